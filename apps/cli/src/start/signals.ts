/** Exit code of a process that a second Ctrl-C ended: 128 + SIGINT. */
export const EXIT_INTERRUPTED = 130;
// npm forwards a Ctrl-C that the terminal has already sent to the whole process group
const ONE_CTRL_C_MS = 500;

/**
 * Calls `stop` at the first SIGINT, SIGTERM or SIGHUP, or when the output is closed, and `kill` at a second one.
 * Returns a function that removes the handlers.
 */
export function onSignals(stop: (reason: string) => void, kill: () => void): () => void {
  let first = 0;
  const handle = (reason: string): void => {
    if (first === 0) {
      first = performance.now();
      stop(reason);
    } else if (performance.now() - first > ONE_CTRL_C_MS) {
      kill();
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onPipe = (): void => handle('a closed output');
  for (const signal of signals) process.on(signal, handle);
  process.stdout.on('error', onPipe);
  return () => {
    for (const signal of signals) process.off(signal, handle);
    process.stdout.off('error', onPipe);
  };
}

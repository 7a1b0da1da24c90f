/** Exit code of a process that a second Ctrl-C ended: 128 + SIGINT. */
export const EXIT_INTERRUPTED = 130;
// npm passes a Ctrl-C on that the terminal has sent to the whole group already
const ONE_CTRL_C_MS = 500;

/**
 * Calls `stop` at the first SIGINT, SIGTERM or SIGHUP, or when nobody reads the output any more, and `kill` at a second
 * one. Gives back what takes the handlers off again.
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

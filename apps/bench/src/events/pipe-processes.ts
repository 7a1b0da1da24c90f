import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PipeAnswer, PipeOrder } from './pipe.main.js';

const MAIN = fileURLToPath(new URL('./pipe.main.js', import.meta.url));

/** Starts a process with some modules; resolves when they are ready. */
export async function open(args: readonly string[], nodeOptions: readonly string[] = []): Promise<ChildProcess> {
  const child = fork(MAIN, args, { execArgv: [...nodeOptions], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await Promise.race([once(child, 'message'), once(child, 'exit').then(([code]) => Promise.reject(new Error(`the process of ${String(args[0])} ended with ${String(code)}`)))]);
  return child;
}

/** Has a process do something, and answers what it says; rejects when the process ends instead. */
export async function ask(child: ChildProcess, order: PipeOrder): Promise<PipeAnswer> {
  const over = new AbortController();
  const { signal } = over;
  try {
    const answered = once(child, 'message', { signal });
    const ended = once(child, 'exit', { signal }).then(([code, by]) => Promise.reject(new Error(`a process of the bench ended with ${String(code ?? by)}`)));
    child.send(order);
    const [answer] = (await Promise.race([answered, ended])) as [PipeAnswer];
    return answer;
  } finally {
    over.abort();
  }
}

/** What the sink's handler has taken so far. */
export async function takenBy(sink: ChildProcess): Promise<{ readonly committed: number; readonly wrong: number }> {
  return (await ask(sink, { taken: true })) as { committed: number; wrong: number };
}

/** Ends a process; resolves when it has. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.disconnect();
  await exited;
}

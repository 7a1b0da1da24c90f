import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Starts a process of the bench from its built entry file; resolves when it reports that it is ready. */
export async function open(
  main: string,
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<ChildProcess> {
  const child = fork(main, args, { execArgv: [...nodeOptions], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`the process of ${String(args[0])} ended with ${String(code)}`)),
    ),
  ]);
  return child;
}

/** Lets a process do something, and returns its answer; rejects if the process ends instead. */
export async function ask<Answer>(child: ChildProcess, order: object): Promise<Answer> {
  const over = new AbortController();
  const { signal } = over;
  try {
    const answered = once(child, 'message', { signal });
    const ended = once(child, 'exit', { signal }).then(([code, by]) =>
      Promise.reject(new Error(`a process of the bench ended with ${String(code ?? by)}`)),
    );
    child.send(order);
    const [answer] = (await Promise.race([answered, ended])) as [Answer];
    return answer;
  } finally {
    over.abort();
  }
}

/** Ends a process; resolves when it has. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.disconnect();
  await exited;
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_WITHIN_MS = 120_000;

/** Starts a process of the bench from its built entry file; resolves when it reports that it is ready. */
export async function open(
  main: string,
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<ChildProcess> {
  const child = fork(main, args, { execArgv: [...nodeOptions], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await messageOf(child, `the process of ${String(args[0])}`);
  return child;
}

/** Has a process do something, and answers what it says; rejects when the process ends instead. */
export function ask<Answer>(child: ChildProcess, order: object): Promise<Answer> {
  const answer = messageOf<Answer>(child, 'a process of the bench');
  child.send(order);
  return answer;
}

/** The next message of a process; rejects when it ends instead. */
export async function messageOf<Message>(child: ChildProcess, name: string): Promise<Message> {
  const over = new AbortController();
  const { signal } = over;
  try {
    const said = once(child, 'message', { signal });
    const ended = once(child, 'exit', { signal }).then(([code, by]) =>
      Promise.reject(new Error(`${name} ended with ${String(code ?? by)}`)),
    );
    const [message] = (await Promise.race([said, ended])) as [Message];
    return message;
  } finally {
    over.abort();
  }
}

/** Looks at a process until there is something to see. @throws Error when it ends before, or after two minutes. */
export async function whenReady<Seen>(
  child: ChildProcess,
  name: string,
  look: () => Promise<Seen | undefined>,
  lookEveryMs = 100,
): Promise<Seen> {
  const until = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (hasEnded(child))
      throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode} before it was ready`);
    if (performance.now() > until) throw new Error(`${name} was not ready within ${READY_WITHIN_MS} ms`);
    await sleep(lookEveryMs);
  }
}

/** Ends a process of the bench by its channel; resolves when it has ended. */
export function end(child: ChildProcess): Promise<void> {
  return ended(child, () => child.disconnect());
}

/** Sends a process a signal that ends it; resolves when it has ended. */
export function kill(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  return ended(child, () => child.kill(signal));
}

async function ended(child: ChildProcess, tell: () => void): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  tell();
  await exited;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

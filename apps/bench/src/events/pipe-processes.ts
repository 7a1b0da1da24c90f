import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as processes from '../child-process.js';
import type { PipeAnswer, PipeOrder } from './pipe.main.js';

export { end } from '../child-process.js';

const MAIN = fileURLToPath(new URL('./pipe.main.js', import.meta.url));

/** Starts a process with some modules; resolves when they are ready. */
export function open(args: readonly string[], nodeOptions: readonly string[] = []): Promise<ChildProcess> {
  return processes.open(MAIN, args, nodeOptions);
}

/** Lets a process do something, and returns its answer; rejects if the process ends instead. */
export function ask(child: ChildProcess, order: PipeOrder): Promise<PipeAnswer> {
  return processes.ask(child, order);
}

/** What the sink's handler has handled so far. */
export async function takenBy(sink: ChildProcess): Promise<{ readonly committed: number; readonly wrong: number }> {
  return (await ask(sink, { taken: true })) as { committed: number; wrong: number };
}

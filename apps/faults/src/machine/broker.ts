import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { natsServerPath } from '@fledge/cli/servers';
import { endWithParent, freePort } from '@fledge/kit/operations';
import { cutTail, type TailCut } from './stream-tail.js';

const START_WITHIN_MS = 20_000;

/** The state of a broker's store at its next start: complete, empty, or without its newest messages. */
export type StoreLoss = 'none' | 'all' | TailLoss;

/** The messages that nobody has read, or the newest few if all are read. */
export interface TailLoss {
  readonly newest: number;
  /** The position up to which the stream was read. Called when the broker is dead. */
  readonly readUpTo: () => Promise<number>;
}

/** The nats-server of a lab: it can be killed, lose its store or the end of it, and be frozen for a while. */
export class Broker {
  private constructor(
    private readonly dir: string,
    private readonly program: string,
    readonly port: number,
    private child: ChildProcess,
  ) {}

  static async start(dir: string): Promise<Broker> {
    const program = await natsServerPath();
    const port = await freePort();
    return new Broker(dir, program, port, await run(program, dir, port));
  }

  /**
   * SIGKILL, and a restart after a while with what is left of its store. Resolves to what was cut off the end of the
   * stream.
   */
  async restart(awayMs: number, loss: StoreLoss): Promise<TailCut> {
    await kill(this.child);
    if (loss === 'all') await rm(this.dir, { recursive: true, force: true });
    const cut =
      typeof loss === 'object' ? await cutTail(this.dir, loss.newest, await loss.readUpTo()) : { cut: 0, unread: 0 };
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    this.child = await run(this.program, this.dir, this.port);
    return cut;
  }

  /** SIGSTOP for a while: connections stay open, but nothing is answered. */
  async freeze(ms: number): Promise<void> {
    this.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await kill(this.child);
    await rm(this.dir, { recursive: true, force: true });
  }
}

async function run(program: string, dir: string, port: number): Promise<ChildProcess> {
  const child = spawn(program, ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', dir], {
    stdio: 'ignore',
    detached: true,
  });
  endWithParent(child);
  const until = performance.now() + START_WITHIN_MS;
  while (!(await greets(port))) {
    if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode} at its start`);
    if (performance.now() > until) throw new Error(`nats-server did not answer within ${START_WITHIN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** A NATS server speaks first. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
  });
}

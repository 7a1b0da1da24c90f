import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { endWithParent } from '@fledge/kit/operations';
import { freePort } from './free-port.js';
import { Proxy } from './proxy.js';

const START_WITHIN_MS = 20_000;

/** The nats-server of a lab: can be killed, wiped, and stopped for a while, behind a line that can be injured. */
export class Broker {
  private constructor(
    private readonly dir: string,
    private readonly program: string,
    private readonly port: number,
    private child: ChildProcess,
    readonly line: Proxy,
  ) {}

  static async start(dir: string): Promise<Broker> {
    // The finder is plain JavaScript beside the build, so that jest and CI can use it before there is one.
    const finder = new URL('../../../../../.ci/servers.mjs', import.meta.url).href;
    const { natsServerPath } = (await import(finder)) as { natsServerPath(): Promise<string> };
    const program = await natsServerPath();
    const port = await freePort();
    return new Broker(dir, program, port, await run(program, dir, port), await Proxy.to(port));
  }

  /** For the shop. */
  get url(): string {
    return `nats://127.0.0.1:${this.line.port}`;
  }

  /** SIGKILL, and a new start after a while; with `wipe` its store is empty then. */
  async restart(awayMs: number, wipe: boolean): Promise<void> {
    await kill(this.child);
    if (wipe) await rm(this.dir, { recursive: true, force: true });
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    this.child = await run(this.program, this.dir, this.port);
  }

  /** SIGSTOP for a while: connections stay, and nothing is answered. */
  async freeze(ms: number): Promise<void> {
    this.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.line.close();
    await kill(this.child);
    await rm(this.dir, { recursive: true, force: true });
  }
}

async function run(program: string, dir: string, port: number): Promise<ChildProcess> {
  const child = spawn(program, ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', dir], { stdio: 'ignore', detached: true });
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

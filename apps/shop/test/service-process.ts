import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '@fledge/kit/operations';

const MAIN = fileURLToPath(new URL('../../../dist/apps/shop/src/main.js', import.meta.url));
const CONFIG = fileURLToPath(new URL('../../../config/', import.meta.url));
const READY_WITHIN_MS = 30_000;

/** What the services of one shop have in common. */
export interface Surroundings {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly namespace: string;
  /** How long a service announces its drain, as in a topology file. Default: the value in the file. */
  readonly drainNotice?: string;
}

/** A replica of a service: a process of the built shop, as production runs it. */
export class ServiceProcess {
  private constructor(
    readonly service: string,
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly log: string[],
  ) {}

  /** Starts a replica of a service of a topology in `config/`; resolves when it is ready. `npm test` has built it. */
  static async start(topology: string, service: string, around: Surroundings): Promise<ServiceProcess> {
    const port = await freePort();
    const child = spawn(process.execPath, [MAIN, '--topology', `${CONFIG}${topology}.yaml`, '--service', service], {
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        DATABASE_URL: around.databaseUrl,
        NATS_URL: around.natsUrl,
        FLEDGE_NAMESPACE: around.namespace,
        FLEDGE_PORT: String(port),
        FLEDGE_DEMO: 'true',
        ...(around.drainNotice !== undefined && { DRAIN_NOTICE: around.drainNotice }),
        SHIPPING_DISPATCH_AFTER_MS: '100',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => log.push(chunk.toString()));
    const started = new ServiceProcess(service, `http://127.0.0.1:${port}`, child, log);
    await started.ready();
    return started;
  }

  /** The errors in its log, for a failed test. */
  errors(): string {
    const lines = this.log.join('').split('\n');
    const first = lines.findIndex((line) => line.includes('ERROR'));
    return first === -1 ? '' : `${this.service}:\n${lines.slice(first, first + 12).join('\n')}\n`;
  }

  /** Sends SIGTERM; resolves with the exit code. */
  async terminate(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Sends SIGSTOP: connections stay open, but nothing is answered. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  /** SIGCONT. */
  thaw(): void {
    this.child.kill('SIGCONT');
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }

  private async ready(): Promise<void> {
    const until = performance.now() + READY_WITHIN_MS;
    while (!(await this.isReady())) {
      if (this.child.exitCode !== null)
        throw new Error(`${this.service} ended before it was ready:\n${this.log.join('')}`);
      if (performance.now() > until)
        throw new Error(`${this.service} was not ready within ${READY_WITHIN_MS} ms:\n${this.log.join('')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  private async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).status === 200;
    } catch {
      // It does not listen yet; the time limit above ends the loop.
      return false;
    }
  }
}

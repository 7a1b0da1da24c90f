import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT_CONFIG, StartupError } from '@fledge/kit/operations';
import { Backoff } from './backoff.js';
import type { LineLog } from './line-log.js';

const READY_POLL_MS = 50;

/** How to run a process that is kept running. */
export interface ProcessPlan {
  readonly name: string;
  /** Starts it: the first time, and again whenever it has ended. Its standard output and error must be pipes. */
  start(): Promise<ChildProcess>;
  /** Whether it accepts work. */
  isReady(): Promise<boolean>;
  /** Called whenever it has ended. */
  onEnd?(): void;
  /** Which of its lines to show. Default: all. */
  readonly keep?: (line: string) => boolean;
}

/** A process that is restarted, with growing pauses, whenever it ends, until it is stopped. */
export class SupervisedProcess {
  private child: ChildProcess | undefined;
  private readonly backoff = new Backoff();
  private readonly halt = new AbortController();
  private running: Promise<void> | undefined;
  private wasReady = false;

  constructor(
    private readonly plan: ProcessPlan,
    private readonly log: LineLog,
  ) {}

  /**
   * Starts it; resolves when it is ready for the first time, or when it is stopped before that. Rejects with a
   * `StartupError` if its first run reports that it cannot start without a change (exit code 78), or if it is not ready
   * after `timeoutMs`.
   */
  async start(timeoutMs: number): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => {
      this.running = this.keepUp(resolve, reject);
    });
    const limit = new AbortController();
    try {
      await Promise.race([
        ready,
        sleep(timeoutMs, undefined, { signal: limit.signal }).then(() => this.refuseLate(timeoutMs)),
      ]);
    } finally {
      limit.abort();
    }
  }

  /** Asks it to end (SIGTERM), and kills it (SIGKILL) after `timeoutMs`; resolves when it is gone. */
  async stop(timeoutMs: number): Promise<void> {
    this.halt.abort();
    this.child?.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.log.print(this.plan.name, `did not end within ${timeoutMs} ms and is killed`);
      this.kill();
    }, timeoutMs);
    await this.running;
    clearTimeout(timer);
  }

  /** Kills it at once. */
  kill(): void {
    this.halt.abort();
    this.child?.kill('SIGKILL');
  }

  private async keepUp(ready: () => void, fail: (error: Error) => void): Promise<void> {
    const { name } = this.plan;
    try {
      while (!this.halt.signal.aborted) {
        const since = performance.now();
        const end = await this.runOnce(ready);
        this.plan.onEnd?.();
        if (this.halt.signal.aborted) break;
        if (!this.wasReady && end === `exit code ${EXIT_CONFIG}`) {
          return fail(
            new StartupError('service', `${name} cannot start as things are`, 'Its own line above says why.', {
              service: name,
            }),
          );
        }
        const pauseMs = this.backoff.after(performance.now() - since);
        this.log.print(name, `ended (${end}), and is started again in ${pauseMs} ms`);
        await sleep(pauseMs, undefined, { signal: this.halt.signal }).catch(ignoreAbort);
      }
      ready();
    } catch (error) {
      fail(error as Error);
    }
  }

  private async runOnce(ready: () => void): Promise<string> {
    const child = await this.plan.start();
    this.child = child;
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`));
    });
    // `stop` was called during the start
    if (this.halt.signal.aborted) child.kill('SIGTERM');
    for (const stream of [child.stdout, child.stderr])
      if (stream) this.log.follow(this.plan.name, stream, this.plan.keep);
    const over = ended.finally(() => (this.child = undefined));
    void this.watch(child, ready);
    return over;
  }

  private async watch(child: ChildProcess, ready: () => void): Promise<void> {
    while (this.child === child) {
      if (await this.plan.isReady()) {
        // report that it is ready again, because its end was reported
        if (this.wasReady) this.log.print(this.plan.name, 'is ready again');
        this.wasReady = true;
        return ready();
      }
      await sleep(READY_POLL_MS);
    }
  }

  private refuseLate(timeoutMs: number): never {
    throw new StartupError(
      'not-ready',
      `${this.plan.name} was not ready within ${timeoutMs / 1000} s`,
      'Its own lines above may say why.',
      { service: this.plan.name },
    );
  }
}

function ignoreAbort(error: Error): void {
  if (error.name !== 'AbortError') throw error;
}

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
  /** Called before it is asked to end for a restart: it gets no new work. */
  onRestart?(): void;
  /** Called whenever it has ended. */
  onEnd?(): void;
  /**
   * Whether a run that ended by itself before it was ready is left ended until `restart`, instead of being tried again
   * and again. Default false.
   */
  readonly waitsForChange?: boolean;
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
  /** Whether the present run is the last that knows the old state: it is to end, or has ended. */
  private isOutdated = false;
  /** Ends the pause before the next run. */
  private wake: () => void = () => undefined;
  /** Those who wait for the run after a restart. */
  private readonly waiting = new Set<(ready: boolean) => void>();

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

  /**
   * Asks it to end (SIGTERM), kills it after `timeoutMs`, and starts it again at once. Resolves with true when it is
   * ready again, with false if the new run ended before that, or it was stopped. A restart whose new run has not begun
   * yet counts for later calls, too.
   */
  restart(timeoutMs: number): Promise<boolean> {
    if (this.halt.signal.aborted) return Promise.resolve(false);
    const ready = new Promise<boolean>((resolve) => this.waiting.add(resolve));
    const { child } = this;
    if (child && !this.isOutdated) {
      this.isOutdated = true;
      this.plan.onRestart?.();
      child.kill('SIGTERM');
      const timer = setTimeout(() => {
        this.log.print(this.plan.name, `did not end within ${timeoutMs} ms and is killed`);
        child.kill('SIGKILL');
      }, timeoutMs);
      child.once('close', () => clearTimeout(timer));
    }
    this.wake();
    return ready;
  }

  /** Asks it to end (SIGTERM), and kills it (SIGKILL) after `timeoutMs`; resolves when it is gone. */
  async stop(timeoutMs: number): Promise<void> {
    this.halt.abort();
    // a second SIGTERM would cut off the drain that a restart has begun
    if (!this.isOutdated) this.child?.kill('SIGTERM');
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
        const { end, gotReady } = await this.runOnce(ready);
        this.plan.onEnd?.();
        if (this.halt.signal.aborted) break;
        if (this.isOutdated) continue;
        if (!gotReady) this.tellWaiting(false);
        if (this.plan.waitsForChange && !gotReady && end.startsWith('exit code')) {
          this.log.print(name, `ended (${end}) before it was ready, and waits for a change`);
          await this.pause();
          continue;
        }
        if (!this.wasReady && end === `exit code ${EXIT_CONFIG}`) {
          return fail(
            new StartupError('service', `${name} cannot start as things are`, 'Its own line above says why.', {
              service: name,
            }),
          );
        }
        const pauseMs = this.backoff.after(performance.now() - since);
        this.log.print(name, `ended (${end}), and is started again in ${pauseMs} ms`);
        await this.pause(pauseMs);
      }
      ready();
    } catch (error) {
      fail(error as Error);
    } finally {
      this.tellWaiting(false);
    }
  }

  /** Until its time is over, or a restart or a stop is asked for. */
  private async pause(ms?: number): Promise<void> {
    const over = new AbortController();
    this.wake = () => over.abort();
    const signal = AbortSignal.any([over.signal, this.halt.signal]);
    await (ms === undefined ? aborted(signal) : sleep(ms, undefined, { signal }).catch(ignoreAbort));
  }

  private tellWaiting(ready: boolean): void {
    for (const resolve of this.waiting) resolve(ready);
    this.waiting.clear();
  }

  private async runOnce(ready: () => void): Promise<{ readonly end: string; readonly gotReady: boolean }> {
    const child = await this.plan.start();
    this.child = child;
    this.isOutdated = false;
    let gotReady = false;
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`));
    });
    // `stop` was called during the start
    if (this.halt.signal.aborted) child.kill('SIGTERM');
    if (child.stdout) this.log.follow(this.plan.name, child.stdout, 'log', this.plan.keep);
    if (child.stderr) this.log.follow(this.plan.name, child.stderr, 'error', this.plan.keep);
    const over = ended.finally(() => (this.child = undefined));
    void this.watch(child, () => {
      gotReady = true;
      ready();
    });
    return { end: await over, gotReady };
  }

  private async watch(child: ChildProcess, ready: () => void): Promise<void> {
    while (this.child === child && !this.isOutdated) {
      if ((await this.plan.isReady()) && this.child === child && !this.isOutdated) {
        // report that it is ready again, because its end was reported
        if (this.wasReady) this.log.print(this.plan.name, 'is ready again');
        this.wasReady = true;
        this.tellWaiting(true);
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}

function ignoreAbort(error: Error): void {
  if (error.name !== 'AbortError') throw error;
}

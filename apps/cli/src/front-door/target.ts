import { Client, type Dispatcher, Pool } from 'undici';

/** How often a target is asked whether it is ready. Well below a service's drain notice, so that it is seen in time. */
export const POLL_MS = 200;
const POLL_TIMEOUT_MS = 5_000;
/** A target that owes the answer to a poll for so long is silent. A busy one is late, too, but seldom by that much. */
export const SILENT_AFTER_MS = 1_500;
/** A service that is ready says with this header that it cannot reach the other modules now. Envoy knows it, too. */
const DEGRADED_HEADER = 'x-envoy-degraded';
const CONNECT_TIMEOUT_MS = 2_000;
// below what services keep, so that the front door closes an idle connection first
const IDLE_MS = 30_000;

/** One replica of a service, as the front door sees it. */
export class Target {
  private readonly pool: Pool;
  private readonly probe: Client;
  private timer: NodeJS.Timeout | undefined;
  private silence: NodeJS.Timeout | undefined;
  private readonly waiting = new Set<() => void>();
  private stopped = false;
  private ready = false;
  private degraded = false;
  private silent = false;

  /** `url` is its origin: `http://127.0.0.1:20001`. `onChange` is called when it becomes ready or ceases to be. */
  constructor(
    readonly url: string,
    requestTimeoutMs: number,
    private readonly onChange: () => void,
  ) {
    const connect = { timeout: CONNECT_TIMEOUT_MS };
    this.pool = new Pool(url, {
      connect,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      headersTimeout: requestTimeoutMs,
      bodyTimeout: requestTimeoutMs,
    });
    // a connection of its own: the question must not wait behind the requests
    this.probe = new Client(url, { connect, headersTimeout: POLL_TIMEOUT_MS, bodyTimeout: POLL_TIMEOUT_MS });
    void this.poll();
  }

  /** Whether it takes requests. */
  get isReady(): boolean {
    return this.ready && !this.stopped;
  }

  /** Whether it owes nobody a sign of life. One that does not answer is passed over while there is another. */
  get isAnswering(): boolean {
    return this.isReady && !this.silent;
  }

  /**
   * Which to prefer: 0 for one that takes no requests, 1 for a silent one, 2 for one that cannot reach other modules, 3
   * for all else.
   */
  get rank(): number {
    if (!this.isReady) return 0;
    if (this.silent) return 1;
    return this.degraded ? 2 : 3;
  }

  /**
   * Calls `wake` when it falls silent, and again and again while it is, until the function that this returns is called.
   */
  onSilence(wake: () => void): () => void {
    this.waiting.add(wake);
    return () => this.waiting.delete(wake);
  }

  /** Sends a request. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.pool.dispatch(options, handler);
  }

  /** The JSON that it answers a GET with; `undefined` when there is nothing at that path. */
  async getJson(path: string): Promise<unknown> {
    const { statusCode, body } = await this.pool.request({ method: 'GET', path });
    const text = await body.text();
    if (statusCode === 404) return undefined;
    if (statusCode !== 200) throw new Error(`${this.url}${path} answered ${statusCode}`);
    return JSON.parse(text);
  }

  /** Takes it out until it says again that it is ready: nobody listens there. */
  suspend(): void {
    this.become(false);
  }

  /** Takes it out for good; resolves when the requests under way have been answered. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.become(false);
    await Promise.all([this.pool.close(), this.probe.destroy()]);
  }

  private async poll(): Promise<void> {
    // one that is silent stays so until it answers, also when it is asked anew
    this.silence ??= this.silenceIn(SILENT_AFTER_MS);
    const answer = await this.ask();
    if (this.stopped) return;
    if (answer !== undefined) {
      clearTimeout(this.silence);
      this.silence = undefined;
      this.silent = false;
      this.become(answer);
    }
    this.timer = setTimeout(() => void this.poll(), POLL_MS);
    this.timer.unref();
  }

  /** Undefined when it took too long to say: a busy replica is not an absent one. */
  private async ask(): Promise<boolean | undefined> {
    try {
      const { statusCode, headers, body } = await this.probe.request({ method: 'GET', path: '/readyz' });
      await body.dump();
      this.degraded = headers[DEGRADED_HEADER] !== undefined;
      return statusCode === 200;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'UND_ERR_HEADERS_TIMEOUT' ? undefined : false;
    }
  }

  private silenceIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.silent = true;
      // what waits finds another one now, or at a later look
      for (const wake of this.waiting) wake();
      this.silence = this.silenceIn(POLL_MS);
    }, ms).unref();
  }

  private become(ready: boolean): void {
    if (this.ready === ready) return;
    this.ready = ready;
    this.onChange();
  }
}

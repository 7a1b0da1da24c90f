import { connectorTo } from './pinned.js';
import { Client, type Dispatcher, Pool } from 'undici';

/**
 * How often a target's readiness is polled. Well below a service's drain notice, so that the drain is noticed in time.
 */
export const POLL_MS = 200;
/** How often one that is not ready is polled: it may be starting, and requests wait for it. */
const STARTING_POLL_MS = 50;
const POLL_TIMEOUT_MS = 5_000;
/**
 * A target that has not answered a poll for this long is silent. A busy one may also be late, but seldom by this much.
 */
export const SILENT_AFTER_MS = 1_500;
/** A ready service sends this header when it cannot reach the other modules. Envoy understands it, too. */
const DEGRADED_HEADER = 'x-envoy-degraded';
const CONNECT_TIMEOUT_MS = 2_000;
// shorter than the keep-alive of services, so that the front door closes an idle connection first
const IDLE_MS = 30_000;

/** One replica of a service, as the front door sees it. */
export class Target {
  private readonly pool: Pool;
  private readonly probe: Client;
  private timer: NodeJS.Timeout | undefined;
  private silence: NodeJS.Timeout | undefined;
  private readonly waiting = new Set<() => void>();
  /** Opens a connection, which is verified if it is one of TLS. */
  readonly connect: ReturnType<typeof connectorTo>;
  private stopped = false;
  private ready = false;
  private degraded = false;
  private silent = false;

  /**
   * `url` is its origin: `http://127.0.0.1:20001`. `onChange` is called whenever its readiness changes. `certFile`: the
   * certificate that it shows, for `https`.
   */
  constructor(
    readonly url: string,
    requestTimeoutMs: number,
    private readonly onChange: () => void,
    certFile?: string,
  ) {
    const connect = (this.connect = connectorTo(CONNECT_TIMEOUT_MS, certFile));
    this.pool = new Pool(url, {
      connect,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      headersTimeout: requestTimeoutMs,
      bodyTimeout: requestTimeoutMs,
    });
    // a separate connection, so that polls do not wait behind requests
    this.probe = new Client(url, { connect, headersTimeout: POLL_TIMEOUT_MS, bodyTimeout: POLL_TIMEOUT_MS });
    void this.poll();
  }

  /** Whether it accepts requests. */
  get isReady(): boolean {
    return this.ready && !this.stopped;
  }

  /** Whether it answers polls in time. A target that does not is skipped as long as there is another. */
  get isAnswering(): boolean {
    return this.isReady && !this.silent;
  }

  /** The rank: 0 if it accepts no requests, 1 if it is silent, 2 if it cannot reach other modules, 3 otherwise. */
  get rank(): number {
    if (!this.isReady) return 0;
    if (this.silent) return 1;
    return this.degraded ? 2 : 3;
  }

  /**
   * Calls `wake` when the target falls silent, and repeatedly while it stays silent, until the returned function is
   * called.
   */
  onSilence(wake: () => void): () => void {
    this.waiting.add(wake);
    return () => this.waiting.delete(wake);
  }

  /** Sends a request. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.pool.dispatch(options, handler);
  }

  /** Its JSON answer to a GET; `undefined` if there is nothing at that path. */
  async getJson(path: string): Promise<unknown> {
    const { statusCode, body } = await this.pool.request({ method: 'GET', path });
    const text = await body.text();
    if (statusCode === 404) return undefined;
    if (statusCode !== 200) throw new Error(`${this.url}${path} answered ${statusCode}`);
    return JSON.parse(text);
  }

  /** Excludes it until it reports ready again: nobody listens there. */
  suspend(): void {
    this.become(false);
  }

  /** Removes it for good; resolves when its pending requests have been answered. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.become(false);
    await Promise.all([this.pool.close(), this.probe.destroy()]);
  }

  private async poll(): Promise<void> {
    // a silent target stays silent until it answers, even if it is polled again
    this.silence ??= this.silenceIn(SILENT_AFTER_MS);
    const answer = await this.ask();
    if (this.stopped) return;
    if (answer !== undefined) {
      clearTimeout(this.silence);
      this.silence = undefined;
      this.silent = false;
      this.become(answer);
    }
    this.timer = setTimeout(() => void this.poll(), this.ready ? POLL_MS : STARTING_POLL_MS);
    this.timer.unref();
  }

  /** Undefined if the answer took too long: a busy replica is not an absent one. */
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
      // waiting requests find another target now, or later
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

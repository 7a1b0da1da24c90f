import { Client, type Dispatcher, Pool } from 'undici';

/** How often a target is asked whether it is ready. Well below a service's drain notice, so that it is seen in time. */
export const POLL_MS = 200;
const POLL_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 2_000;
// below what services keep, so that the front door closes an idle connection first
const IDLE_MS = 30_000;

/** One replica of a service, as the front door sees it. */
export class Target {
  private readonly pool: Pool;
  private readonly probe: Client;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private ready = false;

  /** `url` is its origin: `http://127.0.0.1:20001`. `onChange` is called when it becomes ready or ceases to be. */
  constructor(
    readonly url: string,
    requestTimeoutMs: number,
    private readonly onChange: () => void,
  ) {
    const connect = { timeout: CONNECT_TIMEOUT_MS };
    this.pool = new Pool(url, { connect, keepAliveTimeout: IDLE_MS, keepAliveMaxTimeout: IDLE_MS, headersTimeout: requestTimeoutMs, bodyTimeout: requestTimeoutMs });
    // a connection of its own: the question must not wait behind the requests
    this.probe = new Client(url, { connect, headersTimeout: POLL_TIMEOUT_MS, bodyTimeout: POLL_TIMEOUT_MS });
    void this.poll();
  }

  /** Whether it takes requests. */
  get isReady(): boolean {
    return this.ready && !this.stopped;
  }

  /** Sends a request. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.pool.dispatch(options, handler);
  }

  /** The JSON that it answers a GET with. */
  async getJson(path: string): Promise<unknown> {
    const { statusCode, body } = await this.pool.request({ method: 'GET', path });
    const text = await body.text();
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
    this.become(false);
    await Promise.all([this.pool.close(), this.probe.destroy()]);
  }

  private async poll(): Promise<void> {
    const answer = await this.ask();
    if (this.stopped) return;
    if (answer !== undefined) this.become(answer);
    this.timer = setTimeout(() => void this.poll(), POLL_MS);
    this.timer.unref();
  }

  /** Undefined when it took too long to say: a busy replica is not an absent one. */
  private async ask(): Promise<boolean | undefined> {
    try {
      const { statusCode, body } = await this.probe.request({ method: 'GET', path: '/readyz' });
      await body.dump();
      return statusCode === 200;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'UND_ERR_HEADERS_TIMEOUT' ? undefined : false;
    }
  }

  private become(ready: boolean): void {
    if (this.ready === ready) return;
    this.ready = ready;
    this.onChange();
  }
}

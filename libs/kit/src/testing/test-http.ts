import { HttpListener, type RequestHandler } from '../http/index.js';

/**
 * The HTTP side of a module under test: the kit's own listener, on a free port of this machine, opened at the first
 * request.
 */
export class TestHttp {
  private readonly listener = new HttpListener();
  private opening: Promise<string> | undefined;

  /** Registers path prefixes, to be served once the listener is open. */
  own(routes: readonly string[], handler: RequestHandler): void {
    for (const route of routes) this.listener.own(route, handler);
  }

  /** The base URL of requests: `http://127.0.0.1:<port>`. */
  origin(): Promise<string> {
    return (this.opening ??= this.listener.listen(0, '127.0.0.1').then((port) => `http://127.0.0.1:${port}`));
  }

  /** Waits for the requests in progress; does nothing if there was none. */
  async close(): Promise<void> {
    if (this.opening === undefined) return;
    await this.opening;
    await this.listener.close();
  }
}

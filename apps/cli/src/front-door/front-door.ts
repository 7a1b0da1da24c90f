import type { ServerResponse } from 'node:http';
import {
  HttpListener,
  mergeOpenApi,
  notFound,
  type OpenApiDocument,
  type RequestHandler,
  trustOf,
  type TrustsProxy,
} from '@fledge/kit/operations';
import { forward, sendProblem } from './forward.js';
import { forwardUpgrade } from './forward-upgrade.js';
import { RoutingTable } from './routing-table.js';
import { Target } from './target.js';

/** How a front door opens. */
export interface FrontDoorOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /**
   * A port of its own for health, metrics and documents, which `port` then does not answer; 0 for any free port.
   * Default: none.
   */
  readonly adminPort?: number | undefined;
  /**
   * Path prefixes with the origins (`http://127.0.0.1:20001`) of the replicas that serve them. More can be added with
   * `add`.
   */
  readonly routes?: ReadonlyMap<string, readonly string[]>;
  /** The longest pause before or within a service's answer, in milliseconds. Default 60,000. */
  readonly requestTimeoutMs?: number;
  /**
   * Addresses and networks of proxies before it, whose `X-Forwarded-For` it passes on. Default: none; it then says the
   * address of its client alone.
   */
  readonly trustedProxies?: readonly string[];
  /**
   * Files of a certificate and its key, for HTTPS; used anew when they change. Replicas with an origin of `https://` must
   * show this certificate, too. Default: HTTP.
   */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/**
 * An HTTP server that passes each request to a ready replica of the service that owns its path. Created by `frontDoor`.
 */
export interface FrontDoor {
  /** The port it listens on. */
  readonly port: number;
  /** The port for health, metrics and documents, if it is another. */
  readonly adminPort: number | undefined;
  /** The prefixes that no ready replica serves at the moment. */
  readonly uncovered: readonly string[];
  /** Adds a replica to some prefixes. It gets requests as soon as its `/readyz` reports ready. */
  add(target: string, prefixes: Iterable<string>): void;
  /**
   * Removes a replica at once; resolves when its pending requests have been answered. Does nothing for an unknown one.
   */
  remove(target: string): Promise<void>;
  /**
   * Resolves when every prefix, or every one of the given replicas, is ready. Rejects after `timeoutMs`, or when it is
   * closed.
   */
  whenReady(timeoutMs: number, targets?: readonly string[]): Promise<void>;
  /** Accepts no more requests, answers the pending ones, closes. */
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_DEFAULT_MS = 60_000;
/** What a service answers itself, besides its modules' routes. */
const SYSTEM_PATHS = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs'];

/**
 * Opens a front door: one port for the services of a topology that run on this machine.
 *
 * It polls `/readyz` of the replicas every 200 ms and skips those that are not ready, so a service with a longer drain
 * notice loses no request. `/healthz` and `/readyz` answer for the whole topology, and `/openapi.json` merges the
 * documents of all services.
 * @throws StartupError when the port is not available.
 */
export async function frontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const door = new Door(
    options.requestTimeoutMs ?? REQUEST_TIMEOUT_DEFAULT_MS,
    trustOf(options.trustedProxies ?? []),
    options.tls,
    options.adminPort,
  );
  for (const [prefix, targets] of options.routes ?? []) for (const target of targets) door.add(target, [prefix]);
  try {
    await door.listen(options.port, options.host ?? '127.0.0.1');
  } catch (error) {
    await door.close();
    throw error;
  }
  return door;
}

class Door implements FrontDoor {
  port = 0;
  adminPort: number | undefined;
  private readonly listener: HttpListener;
  private readonly admin: HttpListener | undefined;
  private readonly table = new RoutingTable();
  private readonly targets = new Map<string, Target>();
  private readonly waiting = new Set<{ check(): void; give(error?: Error): void }>();

  constructor(
    private readonly requestTimeoutMs: number,
    trusts: TrustsProxy,
    private readonly tls: FrontDoorOptions['tls'],
    private readonly adminPortWanted: number | undefined,
  ) {
    this.listener = new HttpListener(tls);
    if (adminPortWanted !== undefined) this.separate((this.admin = new HttpListener()));
    const handler: RequestHandler = (request, response) => void forward(request, response, this.table, trusts);
    this.listener.own('/', handler);
    this.listener.takeUpgrades(
      handler,
      (request, socket, head) => void forwardUpgrade(request, socket, head, this.table, requestTimeoutMs, trusts),
    );
    this.own('/healthz', (response) => sendJson(response, 200, { status: 'ok' }));
    this.own('/readyz', (response) =>
      this.isReady ? sendJson(response, 200, { status: 'ready' }) : sendJson(response, 503, { status: 'not ready' }),
    );
    this.own('/openapi.json', (response) => void this.sendDocument(response));
    this.own('/metrics', (response) =>
      sendProblem(
        response,
        404,
        'fledge.not-found',
        `each service has its own metrics: ${[...this.targets.keys()].map((url) => `${url}/metrics`).join(', ')}`,
      ),
    );
  }

  get uncovered(): readonly string[] {
    return this.table.uncovered;
  }

  async listen(port: number, host: string): Promise<void> {
    if (this.admin) this.adminPort = await this.admin.listen(this.adminPortWanted ?? 0, host);
    this.port = await this.listener.listen(port, host);
  }

  add(url: string, prefixes: Iterable<string>): void {
    const origin = new URL(url).origin;
    let target = this.targets.get(origin);
    if (!target) {
      target = new Target(
        origin,
        this.requestTimeoutMs,
        () => this.waiting.forEach((waiter) => waiter.check()),
        this.tls?.cert,
      );
      this.targets.set(origin, target);
    }
    this.table.add(target, prefixes);
  }

  async remove(url: string): Promise<void> {
    const origin = new URL(url).origin;
    const target = this.targets.get(origin);
    if (!target) return;
    this.targets.delete(origin);
    this.table.remove(target);
    await target.stop();
  }

  whenReady(timeoutMs: number, targets?: readonly string[]): Promise<void> {
    const missing = (): readonly string[] =>
      targets ? targets.filter((url) => !this.targets.get(new URL(url).origin)?.isReady) : this.uncovered;
    return new Promise((resolve, reject) => {
      const give = (error?: Error): void => {
        clearTimeout(timer);
        this.waiting.delete(waiter);
        if (error) reject(error);
        else resolve();
      };
      const waiter = { give, check: () => void (missing().length === 0 && give()) };
      const timer = setTimeout(
        () => give(new Error(`not ready after ${timeoutMs} ms: ${missing().join(', ')}`)),
        timeoutMs,
      );
      this.waiting.add(waiter);
      waiter.check();
    });
  }

  async close(): Promise<void> {
    for (const waiter of this.waiting) waiter.give(new Error('the front door was closed'));
    if (this.port > 0) await this.listener.close();
    if (this.adminPort !== undefined) await this.admin?.close();
    await Promise.all([...this.targets.keys()].map((url) => this.remove(url)));
  }

  private get isReady(): boolean {
    return this.targets.size > 0 && this.uncovered.length === 0;
  }

  private own(path: string, handler: (response: ServerResponse) => void): void {
    (this.admin ?? this.listener).ownForReading(path, (_request, response) => handler(response));
  }

  /** Takes the paths of the services' own from the port of requests; the documents' page is that of any of them. */
  private separate(admin: HttpListener): void {
    for (const path of SYSTEM_PATHS) this.listener.own(path, notFound);
    admin.own('/docs', (request, response) => void forward(request, response, this.table, () => false));
  }

  private async sendDocument(response: ServerResponse): Promise<void> {
    const targets = this.table.pickEach();
    if (targets.length === 0 || targets.includes(undefined)) {
      return sendProblem(
        response,
        503,
        'fledge.unavailable',
        `no replica serves ${this.uncovered.join(', ') || 'anything'} now; try again after a moment`,
      );
    }
    try {
      const documents = await Promise.all(
        targets.map((target) => (target as Target).getJson('/openapi.json') as Promise<OpenApiDocument | undefined>),
      );
      const known = documents.filter((document) => document !== undefined);
      if (known.length === 0) return sendProblem(response, 404, 'fledge.not-found', 'there is no OpenAPI document');
      sendJson(response, 200, mergeOpenApi(known));
    } catch (error) {
      sendProblem(
        response,
        502,
        'fledge.bad-gateway',
        `a service did not return its OpenAPI document: ${(error as Error).message}`,
      );
    }
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

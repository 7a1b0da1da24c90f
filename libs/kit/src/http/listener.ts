import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { StartupError } from '../contract/index.js';
import { readTlsFiles, type TlsFiles, watchTlsFiles } from '../tls/index.js';
import { Admission, type RequestHandler } from './admission.js';
import { PathOwners } from './path-owners.js';
import { httpProblem, PROBLEM_TYPE } from './problem.js';
import { endWithProblem } from './raw-answer.js';
import { ListenerResponse, whenStreaming } from './server-response.js';
import type { RefusalReason, RequestMeter } from './request-meter.js';
import {
  dropBodyOfRead,
  flawOf,
  FORWARDED_BYTES,
  FORWARDED_HEADERS,
  HEADERS_BYTES_MAX,
  HEADERS_MAX,
} from './request-head.js';
import { SECURITY_HEADERS } from './security-headers.js';
import { correlationIdOf } from './trace.js';
import { type UpgradeHandler, Upgrades } from './upgrades.js';

export type { RequestHandler } from './admission.js';
export type { UpgradeHandler } from './upgrades.js';

/**
 * How long an idle connection is kept, in milliseconds: longer than the usual minute of proxies, so that they close
 * first.
 */
export const KEEP_ALIVE_MS = 72_000;
/** The longest that a whole request may take to arrive, in milliseconds. */
const RECEIVE_TIMEOUT_MS = 60_000;
/** Where a topology file names the certificate, for messages. */
const HTTP_TLS = 'http.tls';

/**
 * The one HTTP server of a process: passes each path prefix to the module that owns it, and the paths of the process
 * itself (health, metrics, documents) to the host.
 */
export class HttpListener {
  private readonly owners = new PathOwners<RequestHandler>();
  /** Handlers that also serve in an overload: it must be visible from outside that the process is alive. */
  private readonly alwaysTaken = new Set<RequestHandler>();
  private readonly admission = new Admission((request, response) => {
    this.meter?.refused('overload');
    refuseOverload(request, response);
  });
  /** @internal Counts what is refused here, if set. */
  meter: RequestMeter | undefined;
  /** @internal Where it listens, once it does. */
  readonly server: Server;
  private draining = false;
  private inFlight = 0;
  private idle: (() => void) | undefined;
  /** Event streams, which end with their client or with the drain. */
  private readonly streams = new Set<ServerResponse>();
  private closing = false;
  private unwatch: (() => void) | undefined;
  private readonly upgrades: Upgrades;
  /** Of the handlers that also take WebSocket connections on their paths. */
  private readonly upgradeHandlers = new Map<RequestHandler, UpgradeHandler>();

  /**
   * @param tls files of a certificate and its key, for HTTPS; new connections use them anew when they change. Default:
   * HTTP.
   * @throws StartupError for files that cannot be used.
   */
  constructor(private readonly tls?: TlsFiles) {
    const options = {
      keepAliveTimeout: KEEP_ALIVE_MS,
      requestTimeout: RECEIVE_TIMEOUT_MS,
      maxHeaderSize: HEADERS_BYTES_MAX + FORWARDED_BYTES,
      // a request without Host is refused here, to give it a problem as its body
      requireHostHeader: false,
      ServerResponse: ListenerResponse,
    };
    const handle = (request: IncomingMessage, response: ServerResponse): void => this.handle(request, response);
    this.server = tls
      ? createSecureServer({ ...options, ...readTlsFiles(tls, HTTP_TLS) }, handle)
      : createServer(options, handle);
    // Node drops further ones without a word: one more than is allowed shows that there are too many
    this.server.maxHeadersCount = HEADERS_MAX + FORWARDED_HEADERS + 1;
    this.upgrades = new Upgrades(this.server);
    this.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
      refuse(
        request,
        response,
        417,
        'fledge.bad-request',
        `the server does not support the expectation '${String(request.headers.expect).slice(0, 100)}'`,
      ),
    );
    this.server.on('connection', this.admission.accepted);
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      this.refuse('malformed', () => answerBroken(error, socket)),
    );
  }

  /** Assigns a path prefix to a handler. In an overload some of its requests are refused, with 503. */
  own(prefix: string, handler: RequestHandler): void {
    this.owners.set(prefix, handler);
  }

  /** Lets WebSocket connections to the paths of a handler reach `upgrade`. */
  takeUpgrades(handler: RequestHandler, upgrade: UpgradeHandler): void {
    if (this.upgradeHandlers.size === 0) this.upgrades.listen((request) => this.upgradeHandlerOf(request));
    this.upgradeHandlers.set(handler, upgrade);
  }

  /**
   * Assigns a path prefix to a read-only handler, which also serves in an overload: methods other than GET and HEAD get
   * 405.
   */
  ownForReading(prefix: string, handler: RequestHandler): void {
    const read: RequestHandler = (request, response) => {
      if (request.method === 'GET' || request.method === 'HEAD') {
        // discard the body that such a request may still have
        request.resume();
        return handler(request, response);
      }
      response.setHeader('allow', 'GET, HEAD');
      refuse(request, response, 405, 'fledge.method-not-allowed', `${prefix} can only be read`);
    };
    this.alwaysTaken.add(read);
    this.own(prefix, read);
  }

  /** `https` with a certificate, otherwise `http`. */
  get scheme(): 'http' | 'https' {
    return this.tls ? 'https' : 'http';
  }

  /** Listens; resolves with the port. Rejects with a `StartupError` when the port is not available. */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, port, host)));
      this.server.listen(port, host, resolve);
    });
    if (this.tls) this.unwatch = renewed(this.server as SecureServer, this.tls);
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Keeps answering, but asks each client to close its connection after the next answer. */
  announceDrain(): void {
    this.draining = true;
  }

  /**
   * Accepts no new connections, ends event streams and WebSocket connections, whose clients then connect elsewhere, waits
   * for the requests in progress, closes idle connections.
   * @param whenLeft runs when WebSocket connections have ended, for what is left of them: requests that poll.
   */
  async close(whenLeft?: () => Promise<void>): Promise<void> {
    this.draining = this.closing = true;
    this.unwatch?.();
    for (const stream of this.streams) stream.end();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    await this.upgrades.leave();
    await whenLeft?.();
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.idle = resolve));
    this.server.closeIdleConnections();
    // A client may hold an idle connection open: it has had its answer, so the connection can be closed.
    this.server.closeAllConnections();
    this.upgrades.destroy();
    await closed;
  }

  private upgradeHandlerOf(request: IncomingMessage): UpgradeHandler | undefined {
    request.url = originForm(request.url ?? '/');
    const handler = this.owners.of(request.url);
    const upgrade = handler && flawOf(request) === undefined ? this.upgradeHandlers.get(handler) : undefined;
    if (upgrade && this.closing) return refuseWhileClosing;
    if (upgrade && !this.admission.isOpen)
      return (_request, socket) => this.refuse('overload', () => refuseUpgrade(socket));
    return upgrade;
  }

  /** @internal Handles a request as if it had come in on the port. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    if (this.draining) response.setHeader('connection', 'close');
    this.inFlight++;
    response.on('close', () => {
      this.streams.delete(response);
      if (--this.inFlight === 0) this.idle?.();
    });
    whenStreaming(response, () => {
      this.streams.add(response);
      if (this.closing) setImmediate(() => response.end());
    });
    for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
    request.url = originForm(request.url ?? '/');
    const flaw = flawOf(request);
    dropBodyOfRead(request);
    const handler = flaw === undefined ? this.owners.of(request.url) : undefined;
    if (flaw !== undefined) this.refuse('malformed', () => refuse(request, response, ...flaw));
    else if (handler === undefined) this.refuse('unknown-path', () => notFound(request, response));
    else if (this.alwaysTaken.has(handler)) handler(request, response);
    else this.admission.enter(handler, request, response);
  }

  private refuse(reason: RefusalReason, answer: () => void): void {
    this.meter?.refused(reason);
    answer();
  }
}

/** The path and query of a target that is a whole URL, as in a request to a proxy (RFC 9112, 3.2.2). */
function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const [whole, path = ''] = /^https?:\/\/[^/?#]*(.*)$/i.exec(target) ?? [];
  if (whole === undefined) return target;
  return path.startsWith('/') ? path : `/${path}`;
}

/** Answers a request for an unknown path. */
export function notFound(request: IncomingMessage, response: ServerResponse): void {
  refuse(
    request,
    response,
    404,
    'fledge.not-found',
    `no module here serves ${request.method ?? ''} ${(request.url ?? '').slice(0, 200)}`,
  );
}

function refuseOverload(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('retry-after', '1');
  refuse(request, response, 503, 'fledge.overloaded', OVERLOADED);
}

const OVERLOADED = 'there are more requests than can be answered in time; nothing was done, so try again in a moment';

function refuseUpgrade(socket: Socket, code = 'fledge.overloaded', detail = OVERLOADED): void {
  endWithProblem(socket, [503, 'Service Unavailable'], code, detail, 'retry-after: 1\r\n');
}

const refuseWhileClosing: UpgradeHandler = (_request, socket) =>
  refuseUpgrade(socket, 'fledge.unavailable', 'this process is about to end: connect again');

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
): void {
  const correlationId = correlationIdOf(request.headers);
  request.resume();
  response
    .writeHead(status, { 'content-type': PROBLEM_TYPE, 'x-correlation-id': correlationId })
    .end(JSON.stringify(httpProblem(status, code, detail, correlationId)));
}

function answerBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  // after a failed handshake nothing can be said: the client has no key to read it with
  if (error.code === 'ECONNRESET' || !socket.writable || isOfTls(error)) return void socket.destroy();
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ([431, 'Request Header Fields Too Large'] as const)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ([408, 'Request Timeout'] as const)
        : ([400, 'Bad Request'] as const);
  endWithProblem(socket, status, 'fledge.bad-request', `the request is not HTTP: ${error.code ?? error.message}`);
}

function isOfTls({ code }: NodeJS.ErrnoException): boolean {
  return code !== undefined && /^(ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code);
}

/** Lets a server use its certificate anew whenever the files change. Returns what ends this. */
function renewed(server: SecureServer, files: TlsFiles): () => void {
  const complain = (error: Error): void =>
    process.emitWarning(`the new certificate is not used yet: ${error.message}`, 'FledgeTlsWarning');
  return watchTlsFiles(files, HTTP_TLS, (contents) => server.setSecureContext({ ...contents }), complain);
}

function cannotListen(error: NodeJS.ErrnoException, port: number, host: string): StartupError {
  const fact =
    error.code === 'EADDRINUSE'
      ? `port ${port} on ${host} is in use`
      : error.code === 'EACCES'
        ? `port ${port} on ${host} may not be used by this account`
        : `cannot listen on ${host}:${port}: ${error.message}`;
  return new StartupError('port', fact, 'Choose another with PORT, or end the process that holds it.', { port, host });
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { StartupError } from '../contract/index.js';
import { Admission, type RequestHandler } from './admission.js';
import { PathOwners } from './path-owners.js';
import { httpProblem, PROBLEM_TYPE } from './problem.js';
import { ListenerResponse, whenStreaming } from './server-response.js';
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

export type { RequestHandler } from './admission.js';

/**
 * How long an idle connection is kept, in milliseconds: longer than the usual minute of proxies, so that they close
 * first.
 */
export const KEEP_ALIVE_MS = 72_000;
/** The longest that a whole request may take to arrive, in milliseconds. */
const RECEIVE_TIMEOUT_MS = 60_000;

/**
 * The one HTTP server of a process: passes each path prefix to the module that owns it, and the paths of the process
 * itself (health, metrics, documents) to the host.
 */
export class HttpListener {
  private readonly owners = new PathOwners<RequestHandler>();
  /** Handlers that also serve in an overload: it must be visible from outside that the process is alive. */
  private readonly alwaysTaken = new Set<RequestHandler>();
  private readonly admission = new Admission(refuseOverload);
  /** @internal Where it listens, once it does. */
  readonly server: Server;
  private draining = false;
  private inFlight = 0;
  private idle: (() => void) | undefined;
  /** Event streams, which end with their client or with the drain. */
  private readonly streams = new Set<ServerResponse>();
  private closing = false;

  constructor() {
    // a request without Host is refused here, to give it a problem as its body
    this.server = createServer(
      {
        keepAliveTimeout: KEEP_ALIVE_MS,
        requestTimeout: RECEIVE_TIMEOUT_MS,
        requireHostHeader: false,
        maxHeaderSize: HEADERS_BYTES_MAX + FORWARDED_BYTES,
        ServerResponse: ListenerResponse,
      },
      (request, response) => this.handle(request, response),
    );
    // Node drops further ones without a word: one more than is allowed shows that there are too many
    this.server.maxHeadersCount = HEADERS_MAX + FORWARDED_HEADERS + 1;
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
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => answerBroken(error, socket));
  }

  /** Assigns a path prefix to a handler. In an overload some of its requests are refused, with 503. */
  own(prefix: string, handler: RequestHandler): void {
    this.owners.set(prefix, handler);
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

  /** Listens; resolves with the port. Rejects with a `StartupError` when the port is not available. */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, port, host)));
      this.server.listen(port, host, resolve);
    });
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Keeps answering, but asks each client to close its connection after the next answer. */
  announceDrain(): void {
    this.draining = true;
  }

  /**
   * Accepts no new connections, ends event streams, whose clients then connect elsewhere, waits for the requests in
   * progress, closes idle connections.
   */
  async close(): Promise<void> {
    this.draining = this.closing = true;
    for (const stream of this.streams) stream.end();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.idle = resolve));
    this.server.closeIdleConnections();
    // A client may hold an idle connection open: it has had its answer, so the connection can be closed.
    this.server.closeAllConnections();
    await closed;
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
    if (flaw !== undefined) refuse(request, response, ...flaw);
    else if (handler === undefined) notFound(request, response);
    else if (this.alwaysTaken.has(handler)) handler(request, response);
    else this.admission.enter(handler, request, response);
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
  refuse(
    request,
    response,
    503,
    'fledge.overloaded',
    'there are more requests than can be answered in time; nothing was done, so try again in a moment',
  );
}

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
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, reason] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout']
        : [400, 'Bad Request'];
  const body = JSON.stringify(
    httpProblem(
      status as number,
      'fledge.bad-request',
      `the request is not HTTP: ${error.code ?? error.message}`,
      correlationIdOf({}),
    ),
  );
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: ${PROBLEM_TYPE}\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
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

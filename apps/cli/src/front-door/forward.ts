import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { httpProblem, PROBLEM_TYPE } from '@fledge/kit/operations';
import type { Dispatcher } from 'undici';
import { requestHeaders, responseHeaders } from './hop-headers.js';
import type { RoutingTable } from './routing-table.js';
import type { Target } from './target.js';

/** Bodies up to this are read before they are sent, so that they can be sent again; longer ones flow through. */
export const REPLAY_MAX_BYTES = 256 * 1024;
const ATTEMPTS_MAX = 3;
/** RFC 9110, 9.2.2: sent twice, they do what they do sent once. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_CLOSED',
]);

/** Of a request that was taken back from a replica that has fallen silent. */
const SILENT = 'FLEDGE_SILENT';

type RequestFailure = NodeJS.ErrnoException;

/**
 * Sends a request to a replica of the service that owns its path, and its answer back.
 *
 * Another replica is tried when the request was surely not sent, or when its method is idempotent and its connection
 * broke or its replica has fallen silent; never once an answer has begun. Libraries for proxies choose the replica
 * before they try, which is why undici is used as it is.
 */
export async function forward(request: IncomingMessage, response: ServerResponse, table: RoutingTable): Promise<void> {
  const body = await bodyOf(request);
  if (body === 'gone') return;
  const headers = requestHeaders(request);
  const method = request.method ?? 'GET';
  const path = request.url ?? '/';
  const tried: Target[] = [];
  let failure: RequestFailure | undefined;
  while (tried.length < ATTEMPTS_MAX) {
    const target = table.pick(path, tried);
    if (!target) break;
    tried.push(target);
    const canMove = IDEMPOTENT.has(method) && !isStream(body) ? () => table.hasOther(path, tried) : undefined;
    failure = await new Exchange(response).run(target, { method, path, headers, body }, canMove);
    // what nobody reads any more is let go, or the client would never come to read its answer
    if (failure === undefined) request.unpipe().resume();
    if (failure === undefined || response.headersSent || response.destroyed) return;
    if (isNotSent(failure)) target.suspend();
    else if (!IDEMPOTENT.has(method)) break;
    if (isStream(body) && (body.readableDidRead || body.destroyed)) break;
  }
  sendFailure(request, response, failure);
}

/** One attempt: copies the answer, at the pace of the slower side. */
class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private settle: (failure?: RequestFailure) => void = () => undefined;

  constructor(private readonly response: ServerResponse) {}

  /**
   * Resolves with why it failed, and with undefined when the client has its answer or is gone. With `canMove`, the
   * request is taken back from a target that has fallen silent as soon as that says that another one answers.
   */
  run(
    target: Target,
    options: Dispatcher.DispatchOptions,
    canMove: (() => boolean) | undefined,
  ): Promise<RequestFailure | undefined> {
    const forget =
      canMove &&
      target.onSilence(() => {
        if (!this.response.headersSent && canMove())
          this.controller?.abort(Object.assign(new Error('no sign of life'), { code: SILENT }));
      });
    const onClose = (): void => {
      if (!this.response.writableFinished) this.controller?.abort(new Error('the client went away'));
    };
    this.response.once('close', onClose);
    return new Promise<RequestFailure | undefined>((resolve) => {
      this.settle = resolve;
      target.dispatch(options, this);
    }).finally(() => {
      this.response.off('close', onClose);
      forget?.();
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.response.destroyed) controller.abort(new Error('the client went away'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<typeof responseHeaders>[0],
    statusMessage?: string,
  ): void {
    // 1xx: the answer itself is still to come
    if (status < 200) return;
    this.response.writeHead(status, statusMessage, responseHeaders(headers));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.response.write(chunk)) return;
    controller.pause();
    this.response.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    this.response.end();
    this.settle();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: RequestFailure): void {
    // half an answer can only be cut off, so that the client does not take it for a whole one
    if (this.response.headersSent) this.response.destroy(error);
    this.settle(error);
  }
}

/**
 * The body to send: null for none, whole when it is short, else the stream itself. `gone`: the client left before its
 * end.
 */
async function bodyOf(request: IncomingMessage): Promise<Buffer | Readable | null | 'gone'> {
  const length = Number(request.headers['content-length'] ?? 0);
  const isChunked = request.headers['transfer-encoding'] !== undefined;
  if (length === 0 && !isChunked) return null;
  // not the request itself: undici destroys what it could not send whole, and with it the client's connection, when a
  // service refuses a body before its end
  if (isChunked || length > REPLAY_MAX_BYTES) return request.pipe(new PassThrough());
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    // the only way for a server's request to fail: there is nobody left to answer
    return 'gone';
  }
  return Buffer.concat(chunks);
}

function isStream(body: Buffer | Readable | null): body is Readable {
  return body !== null && 'readableDidRead' in body;
}

function isNotSent(failure: RequestFailure): boolean {
  return NOT_SENT.has(failure.code ?? '') || failure.syscall === 'connect';
}

/** Answers a request that no service has answered. */
function sendFailure(request: IncomingMessage, response: ServerResponse, failure: RequestFailure | undefined): void {
  request.unpipe().resume();
  const where = `${request.method ?? ''} ${(request.url ?? '').split('?')[0]?.slice(0, 200) ?? ''}`;
  if (failure === undefined || isNotSent(failure)) {
    response.setHeader('retry-after', '1');
    sendProblem(
      response,
      503,
      'fledge.unavailable',
      `no replica of the service that owns ${where} is ready; nothing was done, so try again`,
    );
  } else if (failure.code === 'UND_ERR_HEADERS_TIMEOUT' || failure.code === SILENT) {
    sendProblem(
      response,
      504,
      'fledge.gateway-timeout',
      `the service that owns ${where} did not answer in time; it may have done the work`,
    );
  } else if (failure.code === 'UND_ERR_INVALID_ARG') {
    sendProblem(response, 400, 'fledge.bad-request', `the request cannot be passed on: ${failure.message}`);
  } else {
    sendProblem(
      response,
      502,
      'fledge.bad-gateway',
      `the service that owns ${where} broke off before its answer (${failure.code ?? failure.message}); it may have done the work`,
    );
  }
}

/** Answers with a problem of the front door's own. */
export function sendProblem(response: ServerResponse, status: number, code: string, detail: string): void {
  const correlationId = randomBytes(16).toString('hex');
  response
    .writeHead(status, { 'content-type': PROBLEM_TYPE, 'x-correlation-id': correlationId })
    .end(JSON.stringify(httpProblem(status, code, detail, correlationId)));
}

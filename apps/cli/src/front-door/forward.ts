import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { httpProblem, PROBLEM_TYPE, type TrustsProxy } from '@fledge/kit/operations';
import type { Dispatcher } from 'undici';
import { requestHeaders, responseHeaders } from './hop-headers.js';
import type { RoutingTable } from './routing-table.js';
import type { Target } from './target.js';

/** Bodies up to this size are read before they are sent, so that they can be sent again; longer ones are streamed. */
export const REPLAY_MAX_BYTES = 256 * 1024;
/** The most replicas that one request is sent to. */
export const ATTEMPTS_MAX = 3;
/** RFC 9110, 9.2.2: sending them twice has the effect of sending them once. */
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

/** The code of a request that was withdrawn from a silent replica. */
const SILENT = 'FLEDGE_SILENT';

type RequestFailure = NodeJS.ErrnoException;

/**
 * Forwards a request to a replica of the service that owns its path, and returns its answer.
 *
 * Another replica is tried if the request was certainly not sent, or if its method is idempotent and the connection
 * broke or the replica fell silent; never once an answer has begun. This uses undici directly, since proxy libraries
 * choose the replica before the first attempt.
 */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  table: RoutingTable,
  trusts: TrustsProxy,
): Promise<void> {
  const body = await bodyOf(request);
  if (body === 'gone') return;
  const headers = requestHeaders(request, trusts);
  const method = request.method ?? 'GET';
  const path = request.url ?? '/';
  const tried: Target[] = [];
  let failure: RequestFailure | undefined;
  while (tried.length < ATTEMPTS_MAX) {
    const target = table.pick(path, tried);
    if (!target) break;
    tried.push(target);
    const canMove = IDEMPOTENT.has(method) && !isStream(body) ? () => table.hasOther(path, tried) : undefined;
    // a stream of events may be silent for as long as nothing happens
    const limits = /\btext\/event-stream\b/.test(request.headers.accept ?? '') ? { bodyTimeout: 0 } : {};
    failure = await new Exchange(response).run(target, { method, path, headers, body, ...limits }, canMove);
    // discard what nobody reads any more, or the client would never get to read its answer
    if (failure === undefined) request.unpipe().resume();
    if (failure === undefined || response.headersSent || response.destroyed) return;
    if (isNotSent(failure)) target.suspend();
    else if (!IDEMPOTENT.has(method)) break;
    if (isStream(body) && (body.readableDidRead || body.destroyed)) break;
  }
  sendFailure(request, response, failure);
}

/** One attempt: copies the answer at the pace of the slower side. */
class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private settle: (failure?: RequestFailure) => void = () => undefined;

  constructor(private readonly response: ServerResponse) {}

  /**
   * Resolves with the reason if it failed, and with undefined when the client has its answer or is gone. With
   * `canMove`, the request is withdrawn from a target that has fallen silent as soon as another one is known to answer.
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
    // 1xx: the final answer is still to come
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
    // half an answer can only be aborted, so that the client does not take it for a complete one
    if (this.response.headersSent) this.response.destroy(error);
    this.settle(error);
  }
}

/**
 * The body to send: null for none, a buffer if it is short, otherwise a stream. `gone`: the client left before its end.
 */
async function bodyOf(request: IncomingMessage): Promise<Buffer | Readable | null | 'gone'> {
  const length = Number(request.headers['content-length'] ?? 0);
  const isChunked = request.headers['transfer-encoding'] !== undefined;
  if (length === 0 && !isChunked) return null;
  // not the request itself: if a service refuses a body before its end, undici destroys the stream that it could not
  // send completely, which would close the client's connection
  if (isChunked || length > REPLAY_MAX_BYTES) return request.pipe(new PassThrough());
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    // the only way in which a server's request can fail: nobody is left to answer
    return 'gone';
  }
  return Buffer.concat(chunks);
}

function isStream(body: Buffer | Readable | null): body is Readable {
  return body !== null && 'readableDidRead' in body;
}

/** Whether a request certainly did not reach the service. */
export function isNotSent(failure: RequestFailure): boolean {
  return NOT_SENT.has(failure.code ?? '') || failure.syscall === 'connect';
}

/** Answers a request that got no answer from a service. */
export function sendFailure(
  request: IncomingMessage,
  response: ServerResponse,
  failure: RequestFailure | undefined,
): void {
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

/** Answers with a problem from the front door itself. */
export function sendProblem(response: ServerResponse, status: number, code: string, detail: string): void {
  const correlationId = randomBytes(16).toString('hex');
  response
    .writeHead(status, { 'content-type': PROBLEM_TYPE, 'x-correlation-id': correlationId })
    .end(JSON.stringify(httpProblem(status, code, detail, correlationId)));
}

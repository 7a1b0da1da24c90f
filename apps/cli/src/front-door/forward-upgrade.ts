import {
  type ClientRequest,
  type IncomingMessage,
  request as open,
  type RequestOptions,
  ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { TrustsProxy } from '@fledge/kit/operations';
import { ATTEMPTS_MAX, isNotSent, sendFailure } from './forward.js';
import { requestHeaders, responseHeaders } from './hop-headers.js';
import type { RoutingTable } from './routing-table.js';
import type { Target } from './target.js';

/** How an attempt ended: undefined if the client has an answer or is gone. */
type Failure = NodeJS.ErrnoException | undefined;

/**
 * Forwards a request for a WebSocket to a replica of the service that owns its path, and from then on the bytes of both
 * sides, until one of them closes. Another replica is tried only if the request was certainly not sent.
 */
export async function forwardUpgrade(
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  table: RoutingTable,
  timeoutMs: number,
  trusts: TrustsProxy,
): Promise<void> {
  const path = request.url ?? '/';
  const headers = [...requestHeaders(request, trusts), 'connection', 'upgrade', 'upgrade', 'websocket'];
  const tried: Target[] = [];
  let failure: Failure;
  if (head.length > 0) socket.unshift(head);
  while (tried.length < ATTEMPTS_MAX) {
    const target = table.pick(path, tried);
    if (!target) break;
    tried.push(target);
    failure = await attempt(request, socket, target, { path, headers, timeout: timeoutMs });
    if (failure === undefined || socket.destroyed) return;
    if (!isNotSent(failure)) break;
    target.suspend();
  }
  sendFailure(request, answerOn(request, socket), failure);
}

function attempt(request: IncomingMessage, socket: Socket, target: Target, options: RequestOptions): Promise<Failure> {
  return new Promise((resolve) => {
    const { protocol, hostname, port } = new URL(target.url);
    const upstream = open({
      ...options,
      createConnection: (_options, connected) => {
        // the types leave out that there is either an error or a connection
        target.connect({ hostname, host: hostname, protocol, port }, (error, opened) =>
          connected(error, opened as Socket),
        );
        return undefined;
      },
    });
    const onClose = (): void => void upstream.destroy();
    const settle = (failure?: Failure): void => {
      socket.off('close', onClose);
      resolve(failure);
    };
    socket.once('close', onClose);
    upstream
      .on('timeout', () =>
        upstream.destroy(Object.assign(new Error('no answer in time'), { code: 'UND_ERR_HEADERS_TIMEOUT' })),
      )
      .on('error', (error: NodeJS.ErrnoException) => settle(error))
      .on('upgrade', (answer: IncomingMessage, service: Socket, first: Buffer) => {
        settle();
        join(socket, service, answer, first);
      })
      .on('response', (answer: IncomingMessage) => {
        settle();
        passAnswer(request, socket, answer, upstream);
      })
      .end();
  });
}

/** Passes the bytes of each side to the other, and the end of one to the other. */
function join(client: Socket, service: Socket, answer: IncomingMessage, first: Buffer): void {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (let i = 0; i < answer.rawHeaders.length; i += 2)
    lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`);
  client.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (first.length > 0) client.write(first);
  for (const [one, other] of [
    [client, service],
    [service, client],
  ] as const) {
    // nothing is late here: a connection may be silent for as long as nothing happens
    one.setTimeout(0).setNoDelay(true).setKeepAlive(true, 30_000);
    one.on('error', () => other.destroy());
    one.once('close', () => other.destroySoon());
    one.pipe(other);
  }
}

/** Passes on the answer of a service that does not change the protocol, such as a refusal. */
function passAnswer(request: IncomingMessage, socket: Socket, answer: IncomingMessage, upstream: ClientRequest): void {
  const response = answerOn(request, socket);
  response.writeHead(answer.statusCode ?? 502, responseHeaders(answer.headers));
  answer.on('error', () => socket.destroy()).pipe(response);
  socket.once('close', () => upstream.destroy());
}

/** A response on a connection that Node has given away, which ends with it. */
function answerOn(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  return response;
}

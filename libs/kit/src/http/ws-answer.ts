import { FledgeError } from '../contract/index.js';
import { problemOf } from './problem.js';
import { isRpcException } from './rpc-answer.js';

/** `readyState` of a connection of `ws`. */
const OPEN = 1;

/** A client of Socket.IO, or of the package `ws`. */
export interface GatewayClient {
  emit?(event: string, payload: unknown): unknown;
  send?(text: string): unknown;
  readonly readyState?: unknown;
}

/** Which message an error is about, as Nest tells it. */
export interface ExceptionCause {
  readonly pattern: string;
  readonly data: unknown;
}

/**
 * Sends the event `exception` to the client of a gateway, as Nest does: for a `WsException` what it holds, for another
 * nothing of its text. Errors of the kit and of contracts tell what their problem over HTTP would.
 */
export function tellClient(client: GatewayClient, error: unknown, correlationId: string, cause?: ExceptionCause): void {
  const payload = payloadOf(error, correlationId, cause);
  // a client of `ws` is an EventEmitter, too, whose events stay here
  if (typeof client.readyState !== 'number') client.emit?.('exception', payload);
  else if (client.readyState === OPEN) client.send?.(JSON.stringify({ event: 'exception', data: payload }));
}

function payloadOf(error: unknown, correlationId: string, cause: ExceptionCause | undefined): object {
  const status = 'error';
  const because = cause && { cause };
  // `WsException`, whose package is no peer of the kit, has the method, too
  if (isRpcException(error)) {
    const held = error.getError();
    return typeof held === 'object' && held !== null ? held : { status, message: held, ...because };
  }
  if (!(error instanceof FledgeError)) return { status, message: 'Internal server error', correlationId, ...because };
  const { type: _type, title: _title, status: _status, detail, ...rest } = problemOf(error, correlationId);
  return { status, message: detail, ...rest, ...because };
}

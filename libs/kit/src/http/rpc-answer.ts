import { type Observable, throwError } from 'rxjs';
import type { FledgeError } from '../contract/index.js';
import { problemOf } from './problem.js';

const STATUS = 'error';

/** What Nest answers for an error that is no `RpcException`. */
const UNKNOWN = { status: STATUS, message: 'Internal server error' };

/**
 * The answer for the error of a handler of a pattern, as Nest gives it: for an `RpcException` what it holds, for
 * another nothing of its text. Errors of the kit and of contracts tell what their problem over HTTP would.
 */
export function rpcAnswer(error: unknown, known: FledgeError | undefined, correlationId: string): Observable<never> {
  if (isRpcException(error)) {
    const held = error.getError();
    return throwError(() => (typeof held === 'object' && held !== null ? held : { status: STATUS, message: held }));
  }
  if (known === undefined) return throwError(() => UNKNOWN);
  const { type: _type, title: _title, status: _status, detail, ...rest } = problemOf(known, correlationId);
  return throwError(() => ({ status: STATUS, message: detail, ...rest }));
}

/** Whether an error says itself what the client is told; its class is of `@nestjs/microservices`, an optional peer. */
export function isRpcException(error: unknown): error is { getError(): unknown } {
  return typeof (error as { getError?: unknown } | undefined)?.getError === 'function';
}

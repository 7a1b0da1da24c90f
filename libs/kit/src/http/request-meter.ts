import type { IncomingMessage, ServerResponse } from 'node:http';
import { now, type TraceContext } from '../boundary/index.js';

/** A request that ended. */
export interface EndedRequest {
  readonly module: string;
  /** One of the methods that HTTP defines, or `_OTHER`. */
  readonly method: string;
  /** The route as it was declared, such as `/orders/:id`; `undefined` if none matched. */
  readonly route: string | undefined;
  /** 499 if the client left before it had the response. */
  readonly status: number;
  readonly durationMs: number;
  /** If the request has a span. */
  readonly trace: TraceContext | undefined;
}

/** Counts requests that were not passed to a module, and those that a module has answered. */
export interface RequestMeter {
  ended(request: EndedRequest): void;
  refused(reason: RefusalReason): void;
}

/** Why the listener answered a request by itself. */
export type RefusalReason = 'overload' | 'unknown-path' | 'malformed';

/** As nginx logs it. */
const CLIENT_LEFT = 499;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY']);

/** The method, or `_OTHER`: a client may send any word, and each would be a label of its own. */
export function knownMethod(method: string): string {
  return METHODS.has(method) ? method : '_OTHER';
}

/** Reports a request when its response has ended. @param routeOf is asked then, since Express looks for it late. */
export function measure(
  meter: RequestMeter,
  { method = '' }: IncomingMessage,
  response: ServerResponse,
  request: {
    readonly module: string;
    readonly trace: TraceContext | undefined;
    readonly routeOf: () => string | undefined;
  },
): void {
  const startedAt = now();
  response.on('close', () =>
    meter.ended({
      module: request.module,
      method: knownMethod(method),
      route: request.routeOf(),
      status: response.writableFinished ? response.statusCode : CLIENT_LEFT,
      durationMs: now() - startedAt,
      trace: request.trace,
    }),
  );
}

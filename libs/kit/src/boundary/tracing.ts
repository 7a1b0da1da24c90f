import type { CallContext } from './call-context.js';
import type { TraceContext } from './trace-context.js';

/** A span to be started, in the words of OpenTelemetry's semantic conventions. */
export interface SpanSpec {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** A span that its starter ends. */
export interface OpenSpan {
  /** What to send with calls and messages that are children of this span. */
  readonly trace: TraceContext;
  /** Adds what was not known at the start. */
  note(attributes: SpanSpec['attributes']): void;
  /** Ends it, once. @param error why the work failed, if it did. */
  end(error?: unknown): void;
}

/** The span of an HTTP request. */
export interface RequestSpan {
  readonly trace: TraceContext;
  /** Runs `fn` so that this span is the active one. */
  run<R>(fn: () => R): R;
  /** Ends it. @param status of the response; `undefined` if the client left before it had one. */
  end(status: number | undefined): void;
}

/**
 * What the kit asks of OpenTelemetry. `observe` implements it with the API; without tracing there is none of these, and
 * nothing is started.
 */
export interface Tracing {
  /** Starts a span below the active one. */
  begin(spec: SpanSpec): OpenSpan;
  /**
   * Runs `work` in a new span, which continues the trace of `context` and ends when the work has. Inside, that span is
   * the active one, and the context's own: what the work calls and sends is below it.
   */
  within<R>(context: CallContext, spec: SpanSpec, work: () => R): R;
  /** Runs `fn` with the context's own span as the active one: for what is said of work after its end, as in the log. */
  about<R>(context: CallContext, fn: () => R): R;
  /**
   * The span of a request: the active one if the application's own instrumentation has begun it, otherwise a new one
   * that continues the trace in the headers.
   */
  request(headers: Readonly<Record<string, string | string[] | undefined>>, spec: SpanSpec): RequestSpan;
  /** The active span, for the log. */
  active(): { readonly traceId: string; readonly spanId: string } | undefined;
}

/** The attributes of a call's spans, by the conventions for RPC. */
export function callSpan(kind: 'client' | 'server', name: string, further: SpanSpec['attributes']): SpanSpec {
  return { name, kind, attributes: { 'rpc.system.name': 'fledge', 'rpc.method': name, ...further } };
}

/**
 * The span of one message, by the conventions for messaging. Its name is the same over every transport: the messaging
 * system is the kit's own, with outboxes and inboxes, whatever carries the messages between them.
 */
export function messageSpan(
  operation: 'send' | 'process',
  destination: string,
  further: SpanSpec['attributes'],
): SpanSpec {
  return {
    name: `${operation} ${destination}`,
    kind: operation === 'send' ? 'producer' : 'consumer',
    attributes: {
      'messaging.system': 'fledge',
      'messaging.operation.name': operation,
      'messaging.operation.type': operation,
      'messaging.destination.name': destination,
      ...further,
    },
  };
}

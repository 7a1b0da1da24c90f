import type { BaggageEntry, Context, Span, SpanContext, Tracer } from '@opentelemetry/api';
import {
  boundedBaggage,
  boundedTracestate,
  type CallContext,
  currentContext,
  isThenable,
  type OpenSpan,
  type RequestSpan,
  type SpanSpec,
  type TraceContext,
  traceOf,
  type Tracing,
} from '../boundary/index.js';
import { FledgeError } from '../contract/index.js';

/** The API of OpenTelemetry, which is loaded only when there is tracing. */
export type OtelApi = typeof import('@opentelemetry/api');

/**
 * Kinds of errors that are failures of the module or its environment; errors of other kinds are answers to the caller.
 */
const FAULTS: ReadonlySet<string> = new Set(['internal', 'unavailable', 'timeout']);

/**
 * Tracing by OpenTelemetry's API alone: the SDK that the application has registered gets the spans. Only W3C Trace
 * Context and Baggage cross a boundary, within their limits, also in one process; nothing else of the caller's context
 * does.
 */
export class OtelTracing implements Tracing {
  private readonly tracer: Tracer;
  /** The span in which the host was started, if there was one: sockets pass it on to every request. */
  private readonly ofStart: Span | undefined;

  constructor(private readonly api: OtelApi) {
    this.tracer = api.trace.getTracer('@fledge/kit');
    this.ofStart = api.trace.getSpan(api.context.active());
  }

  begin(spec: SpanSpec): OpenSpan {
    const { api } = this;
    let parent = api.context.active();
    const work = currentContext();
    // work that did not begin in a span of the kit, such as a job of a test
    if (work?.hasTrace && api.trace.getSpan(parent) === undefined) parent = this.entered(parent, work.trace);
    return new Begun(api, spec.kind, this.start(spec, parent), parent);
  }

  within<R>(context: CallContext, spec: SpanSpec, work: () => R): R {
    const parent = this.entered(this.api.ROOT_CONTEXT, context.hasTrace ? context.trace : undefined);
    const span = this.start(spec, parent);
    const inside = this.api.trace.setSpan(parent, span);
    const begun = new Begun(this.api, spec.kind, span, inside);
    context.continueIn(begun.trace);
    let result: R;
    try {
      result = this.api.context.with(inside, work);
    } catch (error) {
      begun.end(error);
      throw error;
    }
    if (!isThenable(result)) {
      begun.end();
      return result;
    }
    return result.then(
      (value: unknown) => {
        begun.end();
        return value;
      },
      (error: unknown) => {
        begun.end(error);
        throw error;
      },
    ) as R;
  }

  about<R>(context: CallContext, fn: () => R): R {
    const trace = context.hasTrace ? context.trace : undefined;
    return trace instanceof LiveTrace ? this.api.context.with(trace.context, fn) : fn();
  }

  request(headers: Readonly<Record<string, string | string[] | undefined>>, spec: SpanSpec): RequestSpan {
    const { api } = this;
    const active = api.context.active();
    const foreign = api.trace.getSpan(active);
    if (foreign !== undefined && foreign !== this.ofStart) {
      foreign.updateName(spec.name);
      const route = spec.attributes['http.route'];
      if (route !== undefined) foreign.setAttribute('http.route', route);
      return new Request(api, foreign, active, false);
    }
    const parent = this.arrived(headers);
    const span = this.start(spec, parent);
    return new Request(api, span, api.trace.setSpan(parent, span), true);
  }

  active(): { readonly traceId: string; readonly spanId: string } | undefined {
    const span = this.api.trace.getSpanContext(this.api.context.active());
    return span !== undefined && this.api.isSpanContextValid(span) ? span : undefined;
  }

  private start({ name, kind, attributes }: SpanSpec, parent: Context): Span {
    const { SpanKind } = this.api;
    const kinds = {
      server: SpanKind.SERVER,
      client: SpanKind.CLIENT,
      producer: SpanKind.PRODUCER,
      consumer: SpanKind.CONSUMER,
      internal: SpanKind.INTERNAL,
    };
    return this.tracer.startSpan(name, { kind: kinds[kind], attributes }, parent);
  }

  /** What a request brings, by the propagators that the application has chosen (`OTEL_PROPAGATORS`). */
  private arrived(headers: Readonly<Record<string, string | string[] | undefined>>): Context {
    const { propagation, ROOT_CONTEXT } = this.api;
    if (propagation.fields().length > 0) return propagation.extract(ROOT_CONTEXT, headers);
    const [traceparent, tracestate, baggage] = [headers.traceparent, headers.tracestate, headers.baggage].map(one);
    return this.entered(ROOT_CONTEXT, traceOf({ traceparent, tracestate, baggage }));
  }

  /** A context of the API with what has crossed a boundary. */
  private entered(base: Context, carried: string | TraceContext | undefined): Context {
    if (carried === undefined) return base;
    const { propagation, trace } = this.api;
    const { traceparent, tracestate, baggage } = typeof carried === 'string' ? { traceparent: carried } : carried;
    const parent = this.spanContextOf(traceparent, tracestate);
    let context = parent === undefined ? base : trace.setSpanContext(base, parent);
    if (baggage !== undefined) context = propagation.setBaggage(context, this.baggageOf(baggage));
    return context;
  }

  private spanContextOf(traceparent: string, tracestate: string | undefined): SpanContext | undefined {
    const span: SpanContext = {
      traceId: traceparent.slice(3, 35),
      spanId: traceparent.slice(36, 52),
      traceFlags: Number.parseInt(traceparent.slice(53), 16) & this.api.TraceFlags.SAMPLED,
      isRemote: true,
      ...(tracestate !== undefined && { traceState: this.api.createTraceState(tracestate) }),
    };
    return this.api.isSpanContextValid(span) ? span : undefined;
  }

  private baggageOf(text: string): ReturnType<OtelApi['propagation']['createBaggage']> {
    const entries: Record<string, BaggageEntry> = {};
    for (const member of text.split(',')) {
      const [pair = '', ...properties] = member.split(';');
      const at = pair.indexOf('=');
      const key = decoded(pair.slice(0, at).trim());
      const value = decoded(pair.slice(at + 1).trim());
      if (key === undefined || value === undefined) continue;
      const metadata = properties.join(';');
      entries[key] = {
        value,
        ...(metadata !== '' && { metadata: this.api.baggageEntryMetadataFromString(metadata) }),
      };
    }
    return this.api.propagation.createBaggage(entries);
  }
}

/** What is sent with work below a span; its texts are made when they are asked for, and once. */
class LiveTrace implements TraceContext {
  private parentText: string | undefined;
  private baggageText: string | null | undefined;

  constructor(
    private readonly api: OtelApi,
    private readonly span: SpanContext,
    readonly context: Context,
  ) {}

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.span;
    return (this.parentText ??= `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`);
  }

  get tracestate(): string | undefined {
    return this.span.traceState === undefined ? undefined : boundedTracestate(this.span.traceState.serialize());
  }

  get baggage(): string | undefined {
    if (this.baggageText === undefined) this.baggageText = boundedBaggage(this.written()) ?? null;
    return this.baggageText ?? undefined;
  }

  private written(): string | undefined {
    return this.api.propagation
      .getBaggage(this.context)
      ?.getAllEntries()
      .map(([key, { value, metadata }]) => {
        const pair = `${encodeURIComponent(key)}=${encodeURIComponent(value)}`;
        return metadata === undefined ? pair : `${pair};${metadata.toString()}`;
      })
      .join(',');
  }
}

class Begun implements OpenSpan {
  readonly trace: TraceContext;

  constructor(
    private readonly api: OtelApi,
    private readonly kind: SpanSpec['kind'],
    private readonly span: Span,
    context: Context,
  ) {
    this.trace = new LiveTrace(api, span.spanContext(), context);
  }

  note(attributes: SpanSpec['attributes']): void {
    this.span.setAttributes(attributes);
  }

  end(...failure: readonly [error?: unknown]): void {
    if (failure.length > 0) this.fail(failure[0]);
    this.span.end();
  }

  /**
   * Each error is a failure of the caller's span. At the callee, an error of the kit or of a contract is an answer like
   * any other, unless its kind is one of `FAULTS`. A stack is recorded only for other errors.
   */
  private fail(error: unknown): void {
    const { span, kind } = this;
    span.setAttribute('error.type', typeOf(error));
    const isKnown = error instanceof FledgeError;
    const isFault = !isKnown || FAULTS.has(error.kind);
    if (kind === 'server' && !isFault) return;
    span.setStatus({
      code: this.api.SpanStatusCode.ERROR,
      message: error instanceof Error ? error.message : String(error),
    });
    if (!isKnown && kind !== 'client') span.recordException(error instanceof Error ? error : String(error));
  }
}

class Request implements RequestSpan {
  readonly trace: TraceContext;

  constructor(
    private readonly api: OtelApi,
    private readonly span: Span,
    private readonly context: Context,
    /** Whether the kit has begun it, and has to end it. */
    private readonly isOwn: boolean,
  ) {
    this.trace = new LiveTrace(api, span.spanContext(), context);
  }

  run<R>(fn: () => R): R {
    return this.isOwn ? this.api.context.with(this.context, fn) : fn();
  }

  end(status: number | undefined): void {
    if (!this.isOwn) return;
    if (status !== undefined) this.span.setAttribute('http.response.status_code', status);
    if (status === undefined || status >= 500) {
      this.span.setAttribute('error.type', status === undefined ? 'client-left' : String(status));
      this.span.setStatus({ code: this.api.SpanStatusCode.ERROR });
    }
    this.span.end();
  }
}

function typeOf(error: unknown): string {
  if (error instanceof FledgeError) return error.code;
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : '_OTHER';
}

function one(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(',');
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // a malformed percent-encoding
    return undefined;
  }
}

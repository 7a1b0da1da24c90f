export { hasAllOf, hasOneOf, type AccessCheck, type Acting } from './access.js';
export {
  currentCall,
  IDEMPOTENCY_KEY_CHARS_MAX,
  withCallOptions,
  type CallOptions,
  type CurrentCall,
} from './call-options.js';
export { contextOf, ContextRefused, setContext, withContext, type ContextChange } from './application-context.js';
export { CONTEXT_BYTES_MAX, ContextReader, ContextValues } from './context-values.js';
export { Call, outcomeOf, type Abandonable, type CallMeter, type CallOutcome } from './call.js';
export { CallGuard, type CallSign, type CircuitState } from './call-guard.js';
export { Catalogue, type CompiledError, type CompiledEvent, type CompiledMessage } from './catalogue.js';
export { now, TICK_MS, wheel, Wheel, type Timed } from './clock.js';
export { classCodec, resultCodec, type Codec } from './codec.js';
export { compileCopy } from './compile.js';
export { dateText } from './date-text.js';
export { DURATION_BOUNDS_S, Durations } from './durations.js';
export { encodeError, decodeError, type EncodedError } from './declared-error.js';
export { explain } from './explain.js';
export {
  currentContext,
  CallContext,
  RequestContext,
  inTransaction,
  runDetached,
  runIsolated,
  runInContext,
  runInTransaction,
  type Cancellable,
  type Handler,
  type Identity,
  type OpenTransaction,
} from './call-context.js';
export { ModuleServer, type FaultLog, type PassingOutcome } from './module-server.js';
export { CHECK_FAILED, uncheckable } from './judge.js';
export { ModuleClient, TracedClient, type Send } from './module-client.js';
export { runHandler, type Outcomes } from './run-handler.js';
export type { ActorClaim, OutgoingCall, PassportIssuer, PassportVerifier } from './passport.js';
export { isThenable } from './thenable.js';
export {
  BAGGAGE_CHARS_MAX,
  boundedBaggage,
  boundedTracestate,
  traceHeadersOf,
  traceOf,
  TRACEPARENT,
  TRACESTATE_CHARS_MAX,
  type TraceContext,
} from './trace-context.js';
export { messageSpan, type OpenSpan, type RequestSpan, type SpanSpec, type Tracing } from './tracing.js';
export { VIOLATIONS_MAX, violationsOf } from './violations.js';

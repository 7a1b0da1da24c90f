/**
 * For writing a transport: the two ports, and calls as plain data (`requestOf`, `receive`, `settle`, `refuse`). A
 * transport with its own format for calls and answers, such as `@fledge/nats`, runs handlers with `runHandler` and
 * reads failures with `readFailure` and `faultOf`.
 * @packageDocumentation
 */
export {
  CallContext,
  ContextReader,
  ContextValues,
  dateText,
  now,
  outcomeOf,
  runHandler,
  traceOf,
  TRACEPARENT,
  wheel,
  type Abandonable,
  type Call,
  type CallOutcome,
  type Cancellable,
  type Codec,
  type CompiledError,
  type CompiledMessage,
  type EncodedError,
  type Handler,
  type Identity,
  type ModuleServer,
  type OpenTransaction,
  type Outcomes,
  type PassingOutcome,
  type Send,
  type Timed,
  type TraceContext,
  type Wheel,
} from './boundary/index.js';
export { InvalidMessage, ModuleUnavailable, StartupError, type UnavailableReason } from './contract/index.js';
export type { NatsSettings } from './topology/index.js';
export { readTlsFiles, tlsFailure, type TlsFiles } from './tls/index.js';
export {
  CALLER,
  declaredFailure,
  faultOf,
  KEY_MAX,
  kitFailure,
  parseBody,
  readFailure,
  receive,
  refuse,
  requestOf,
  settle,
  type CallTransport,
  type Failure,
  type FailureReply,
  type InboxPort,
  type LogPosition,
  type MessageHeaders,
  type MessageLog,
  type PlainReply,
  type PlainRequest,
  type ReceivedCall,
  type Sent,
  type SentHistory,
  type StoredMessage,
  type StoredPlace,
  type Transport,
  type TransportKind,
  type TransportPlace,
} from './transport/index.js';

/**
 * For writing a transport: the two ports, and calls as plain data (`requestOf`, `receive`, `settle`, `refuse`). A
 * transport with its own format for calls and answers, such as `@fledge/nats`, runs handlers with `runHandler` and
 * reads failures with `readFailure` and `faultOf`.
 * @packageDocumentation
 */
export {
  CallContext,
  dateText,
  now,
  outcomeOf,
  runHandler,
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
  type Wheel,
} from './boundary/index.js';
export { InvalidMessage, ModuleUnavailable, StartupError, type UnavailableReason } from './contract/index.js';
export type { NatsSettings } from './topology/index.js';
export { CALLER, parseBody, TRACEPARENT } from './transport/call-data.js';
export {
  declaredFailure,
  faultOf,
  kitFailure,
  readFailure,
  type Failure,
  type FailureReply,
} from './transport/failure.js';
export {
  receive,
  refuse,
  requestOf,
  settle,
  type PlainReply,
  type PlainRequest,
  type ReceivedCall,
} from './transport/plain-calls.js';
export { KEY_MAX } from './transport/message-log.js';
export type {
  CallTransport,
  InboxPort,
  LogPosition,
  MessageHeaders,
  MessageLog,
  Sent,
  SentHistory,
  StoredMessage,
  StoredPlace,
  Transport,
  TransportKind,
  TransportPlace,
} from './transport/index.js';

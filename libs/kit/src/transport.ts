/**
 * What a transport of your own is written with: the two ports, and calls as plain data.
 * @packageDocumentation
 */
export type { Abandonable, Call, CallOutcome, CompiledMessage, Identity, ModuleServer, Send } from './boundary/index.js';
export { InvalidMessage, ModuleUnavailable, StartupError, type UnavailableReason } from './contract/index.js';
export type { Failure } from './transport/failure.js';
export { receive, refuse, requestOf, settle, type PlainReply, type PlainRequest, type ReceivedCall } from './transport/plain-calls.js';
export { KEY_MAX } from './transport/message-log.js';
export type { CallTransport, InboxPort, LogPosition, MessageHeaders, MessageLog, Sent, SentHistory, StoredMessage, StoredPlace, Transport, TransportKind, TransportPlace } from './transport/index.js';

export { CALLER, parseBody } from './call-data.js';
export {
  declaredFailure,
  errorOf,
  faultOf,
  kitFailure,
  readFailure,
  RemoteError,
  type Failure,
  type FailureReply,
} from './failure.js';
export {
  ADOPT_VARIABLE,
  foreignDeployment,
  KEY_MAX,
  type Deployment,
  type MessageLog,
  type InboxPort,
  type LogPosition,
  type MessageHeaders,
  type Sent,
  type SentHistory,
  type StoredMessage,
  type StoredPlace,
} from './message-log.js';
export {
  ANSWERS_PATTERNS,
  CALLS_MODULES,
  type CallingModule,
  type ModuleCaller,
  type PatternServer,
} from './patterns.js';
export type { NatsVerb, SystemGraph } from './system-graph.js';
export { LocalMessageLog } from './local/local.message-log.js';
export { LocalTransport } from './local/local.transport.js';
export type { CallTransport, Transport, TransportKind, TransportPlace } from './transport.js';
export {
  receive,
  refuse,
  requestOf,
  settle,
  type PlainReply,
  type PlainRequest,
  type ReceivedCall,
} from './plain-calls.js';

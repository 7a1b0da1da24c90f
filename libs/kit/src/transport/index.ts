export {
  KEY_MAX,
  type MessageLog,
  type InboxPort,
  type LogPosition,
  type MessageHeaders,
  type Sent,
  type SentHistory,
  type StoredMessage,
  type StoredPlace,
} from './message-log.js';
export { LocalMessageLog } from './local/local.message-log.js';
export { LocalTransport } from './local/local.transport.js';
export type { CallTransport, Transport, TransportKind, TransportPlace } from './transport.js';

export type { NatsCredentials } from './connection.js';
export type { LogLimits } from './jetstream/message-log.js';
export { NatsTransport, type NatsTransportOptions } from './nats.transport.js';

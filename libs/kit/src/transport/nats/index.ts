export type { NatsCredentials } from './connection.js';
export type { LogLimits } from './jetstream/log-stream.js';
export { NatsTransport, type NatsTransportOptions } from './nats.transport.js';

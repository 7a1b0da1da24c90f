export type { NatsCredentials } from './connection.js';
export { NatsTransport, type NatsTransportOptions } from './nats.transport.js';

/**
 * The NATS transport: calls between services, and durable messages in JetStream. A topology file selects it with
 * `transport: nats`; the kit then loads this package.
 * @packageDocumentation
 */
export type { NatsCredentials } from './connection.js';
export type { JetStreamMessageLog } from './jetstream/jetstream.message-log.js';
export type { LogLimits } from './jetstream/log-stream.js';
export { nats } from './nats.kind.js';
export { NatsTransport, type NatsTransportOptions } from './nats.transport.js';

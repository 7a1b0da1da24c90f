/**
 * The NATS transport: calls between services, and durable messages in JetStream. A topology file selects it with
 * `transport: nats`; the kit then loads this package.
 * @packageDocumentation
 */
export type { NatsCredentials } from './connection.js';
export type { JetStreamMessageLog } from './jetstream/jetstream.message-log.js';
export type { LogLimits } from './jetstream/log-limits.js';
export { nats, type NatsKind } from './nats.kind.js';
export { NatsTransport, type NatsTransportOptions } from './nats.transport.js';
export { operateNats } from './operator/operate.js';
export { permissionsOf, type Permissions } from './operator/permissions.js';
export { provision } from './operator/provision.js';
export { natsServerConfig } from './operator/server-config.js';
export type { NatsVerb, SystemGraph } from '@fledge/kit/transport';

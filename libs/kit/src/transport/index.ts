export { KEY_MAX, type Carrier, type Intake, type LogPosition, type MessageHeaders, type Sent, type StoredMessage, type StoredPlace } from './carrier.js';
export { LocalCarrier, type Archive } from './local/local.carrier.js';
export { LocalTransport } from './local/local.transport.js';
export type { Transport } from './transport.js';
export { NatsTransport, type NatsCredentials, type NatsTransportOptions } from './nats/index.js';

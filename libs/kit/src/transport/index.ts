export { LocalTransport } from './local/local.transport.js';
export type { Transport } from './transport.js';

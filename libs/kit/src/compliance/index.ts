/**
 * The suites that every transport passes, for one of your own.
 * @packageDocumentation
 */
export { describeTransport, hostLaw } from './describe-transport.js';
export { describeLaw } from './law/law.js';
export type { LawWorld } from './law/world.js';
export type { MessagingWorld } from './messaging/chatter-world.js';
export { describeEvents } from './messaging/events.js';
export { describeHandlers } from './messaging/handlers.js';
export { describeReplicas } from './messaging/replicas.js';

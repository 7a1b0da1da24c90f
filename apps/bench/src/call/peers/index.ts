import type { HandlerKind, Peer } from '../peer.js';

/**
 * The peers within one process. Each is loaded only where it is measured, so that it does not pay for the code of
 * others.
 */
export const LOCAL_PEERS: ReadonlyMap<string, (handler: HandlerKind) => Promise<Peer>> = new Map([
  ['Fledge, local', async (handler: HandlerKind) => (await import('./fledge.js')).fledgeLocal(handler)],
  ['Fledge, local, tracing on', async (handler: HandlerKind) => (await import('./fledge.js')).fledgeTraced(handler, 1)],
  [
    'Fledge, local, tracing on, 0 % sampled',
    async (handler: HandlerKind) => (await import('./fledge.js')).fledgeTraced(handler, 0),
  ],
  [
    'Moleculer, local, validator on',
    async (handler: HandlerKind) => (await import('./moleculer.js')).moleculerLocal(handler, true),
  ],
  [
    'Moleculer, local, validator off',
    async (handler: HandlerKind) => (await import('./moleculer.js')).moleculerLocal(handler, false),
  ],
  [
    'Moleculer, local, deadline + metrics',
    async (handler: HandlerKind) => (await import('./moleculer.js')).moleculerLocalAllOn(handler),
  ],
  ['@nestjs/cqrs (no boundary)', async (handler: HandlerKind) => (await import('./nest.js')).nestCqrs(handler)],
]);

/** The peers between two processes. */
export const NATS_PEERS: ReadonlyMap<string, () => Promise<Peer>> = new Map([
  ['Fledge, nats', async () => (await import('./fledge.js')).fledgeNats],
  ['Fledge, nats, for a user', async () => (await import('./proven.js')).fledgeForUser(false)],
  ['Fledge, nats, for a user with a passport', async () => (await import('./proven.js')).fledgeForUser(true)],
  ['Moleculer, NATS', async () => (await import('./moleculer.js')).moleculerNats],
  ['Nest ClientNats', async () => (await import('./nest.js')).nestNats],
  ['bare request()', async () => (await import('./bare-nats.js')).bareNats],
]);

/** How the two mix, between two processes: clients of Nest and modules, beside stock Nest on both sides. */
export const INTEROP_PEERS: ReadonlyMap<string, () => Promise<Peer>> = new Map([
  ['FledgeClient to a module', async () => (await import('./interop.js')).oursToContract],
  ['Nest ClientNats to a module', async () => (await import('./interop.js')).stockToContract],
  ['FledgeClient to @MessagePattern', async () => (await import('./interop.js')).oursToPattern],
  ['Nest ClientNats to @MessagePattern', async () => (await import('./interop.js')).stockToPattern],
  ['Nest ClientNats to stock Nest', async () => (await import('./nest.js')).nestNats],
]);

/** The name under which a process serves the callees of all `INTEROP_PEERS`. */
export const INTEROP_CALLEES = 'all callees';

import type { HandlerKind, Peer } from '../peer.js';
import { bareNats } from './bare-nats.js';
import { fledgeLocal, fledgeNats } from './fledge.js';
import { moleculerLocal, moleculerNats } from './moleculer.js';
import { nestCqrs, nestNats } from './nest.js';

/** Who is measured within one process. */
export function localPeers(handler: HandlerKind): ReadonlyMap<string, Peer> {
  return named([fledgeLocal(handler), moleculerLocal(handler, true), moleculerLocal(handler, false), nestCqrs(handler)]);
}

/** Who is measured between two processes. */
export const natsPeers: ReadonlyMap<string, Peer> = named([fledgeNats, moleculerNats, nestNats, bareNats]);

function named(peers: readonly Peer[]): ReadonlyMap<string, Peer> {
  return new Map(peers.map((peer) => [peer.name, peer]));
}

import type { Something } from '../produce.js';

/** The resources of a peer. */
export interface PeerOptions {
  /** A separate empty database. */
  readonly databaseUrl: string;
  /** The URL of a separate Redis server; empty if it needs none. */
  readonly redisUrl: string;
  /** Handles one event; everything is done when it resolves. */
  handle(event: Something): Promise<void>;
}

/** Another queue as the bench drives it: one process publishes and handles. */
export interface Peer {
  /** Publishes some events at once; resolves when they are stored. */
  publish(events: readonly Something[]): Promise<void>;
  close(): Promise<void>;
}

/** A peer in one of its settings. */
export interface PeerPlan {
  readonly name: string;
  readonly needsRedis?: boolean;
  /** The share of Fledge's number of events that this peer gets at full speed: a slow one would take minutes. */
  readonly share: number;
  open(options: PeerOptions): Promise<Peer>;
}

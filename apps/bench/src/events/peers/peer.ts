import type { Something } from '../produce.js';

/** What a peer is opened with. */
export interface PeerOptions {
  /** An empty database of its own. */
  readonly databaseUrl: string;
  /** Of a Redis server for it alone; empty where it needs none. */
  readonly redisUrl: string;
  /** Handles one event; what it does is over when it resolves. */
  handle(event: Something): Promise<void>;
}

/** A queue of another maker, as the bench drives it: one process publishes and handles. */
export interface Peer {
  /** Publishes some events at once; resolves when they are stored. */
  publish(events: readonly Something[]): Promise<void>;
  close(): Promise<void>;
}

/** A peer in one of its settings. */
export interface PeerPlan {
  readonly name: string;
  readonly needsRedis?: boolean;
  /** Of the events that Fledge gets, the part that this one gets as fast as it goes: a slow one would take minutes. */
  readonly share: number;
  open(options: PeerOptions): Promise<Peer>;
}

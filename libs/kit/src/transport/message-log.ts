/** What a message brings along besides its payload; strings alone, as NATS headers are. */
export interface MessageHeaders {
  /** W3C `traceparent` of the work that stored the message. */
  readonly traceparent?: string;
}

/** Characters of a message's key at the most. */
export const KEY_MAX = 200;

/** A message as it is stored in an outbox, carried, and stored in an inbox. */
export interface StoredMessage {
  /** UUID; the same however often the message is carried. */
  readonly id: string;
  readonly kind: 'event' | 'command';
  /** Wire name, e.g. `ordering.order-placed.v1`. */
  readonly name: string;
  /** The module that stored it. */
  readonly source: string;
  /** Of a command: the module that handles it. */
  readonly target: string | undefined;
  /** Messages of one source and key keep the order of their commits. */
  readonly key: string;
  /** JSON text. */
  readonly payload: string;
  readonly headers: MessageHeaders;
  /** When it was stored, by the clock of the database; ISO 8601. */
  readonly occurredAt: string;
  /** Of its key, by which replicas divide work, if whoever has it was told. */
  readonly partition?: number;
}

/** Where a module stands in a log that it reads; stored with what was accepted up to it. */
export interface LogPosition {
  /** Names one life of the log: a log that was wiped and made anew has another. */
  readonly incarnation: string;
  readonly sequence: number;
  /** The id of the message at that place: by it a log is known that lost its end, and has others there now. */
  readonly id?: string;
}

/** The receiving side of a module: its inbox. */
export interface InboxPort {
  readonly module: string;
  /**
   * Whether a consumer of the module, here or in another replica, takes messages of this name (without regard of its
   * major version).
   */
  wants(message: Pick<StoredMessage, 'kind' | 'name' | 'target'>): boolean;
  /** The names without `.v<major>` of the events that the module's consumers take, to filter a log by. */
  subscriptions(): readonly string[];
  /**
   * Stores messages for each consumer that takes them, in this order; those that are there already change nothing.
   * Resolves after the commit. With `position`, that is stored in the same transaction, and nothing is stored when this
   * replica reads the log no more: rejects.
   */
  accept(messages: readonly StoredMessage[], position?: LogPosition): Promise<void>;
  /**
   * Has messages handled that were never sent before, and are stored only as far as that does not happen at once.
   * Resolves when each is handled or stored. Left out: they are accepted.
   */
  handOver?(messages: readonly StoredMessage[]): Promise<void>;
  /** Where the module stands in the log; `undefined` before its first message. */
  position(): Promise<LogPosition | undefined>;
  /**
   * Calls `work` while this replica is the one that reads the log for the module; its signal aborts when it no longer
   * is. `work` must not end before: it is not called again.
   */
  whileReading(work: (signal: AbortSignal) => Promise<void>): void;
}

/** What a module of this process has published and keeps, for consumers that begin with the past. */
export interface SentHistory {
  readonly module: string;
  /** Messages of these names (without version), oldest first, in portions. */
  read(names: readonly string[]): AsyncIterable<readonly StoredMessage[]>;
}

/** How a batch went: which messages are stored for good where they go; the others are to be sent again, in order. */
export interface Sent {
  readonly accepted: ReadonlySet<string>;
  /** Why the others were not, if any. */
  readonly failure?: unknown;
  /** Where in the log each is that was stored, by its id, if there is a log. */
  readonly sequences?: ReadonlyMap<string, number>;
}

/** Where a log has confirmed a message. */
export interface StoredPlace {
  readonly id: string;
  readonly sequence: number;
}

/** Carries messages from the outboxes of modules to the inboxes of others; the durable half of a transport. */
export interface MessageLog {
  /** As the transport is named. */
  readonly name: string;
  /**
   * Carries messages of one module. Keeps the order of each key: once a message of a key was not accepted, no later one
   * of that key is. May be called again with what was carried already: that has no effect.
   * @param isFirst whether none of them was ever sent before, by any replica. Default: nobody knows.
   */
  send(source: string, messages: readonly StoredMessage[], isFirst?: boolean): Promise<Sent>;
  /**
   * Names one life of the log that messages are sent to, and `undefined` where there is none: when it changes, what was
   * sent is lost and must be sent again from the outbox.
   */
  incarnation(): Promise<string | undefined>;
  /**
   * Rises with each loss of the connection to the log: what the log has may be less than before. Left out: nothing can
   * be lost.
   */
  connections?(): number;
  /**
   * The ids of those messages that the log has confirmed and does not have at their place any more, though it begins
   * before it.
   */
  missing?(stored: readonly StoredPlace[]): Promise<readonly string[]>;
  /** Whether messages can be carried now. Left out: always. A replica that cannot leaves its work to those that can. */
  isReachable?(): boolean;
  /** Delivers to a module hosted here, until `stop`. */
  subscribe(inbox: InboxPort): Promise<void>;
  /**
   * All messages of these names that were sent up to now, oldest first, for a new consumer that starts from the
   * beginning.
   */
  history(inbox: InboxPort, names: readonly string[]): AsyncIterable<readonly StoredMessage[]>;
  /**
   * Receives a reader of what a module of this process has sent, for a log that keeps nothing itself. Left out: the log
   * keeps what it carried.
   */
  keep?(sentHistory: SentHistory): void;
  /** Delivers no more; resolves when what was being accepted is stored. */
  stop(): Promise<void>;
}

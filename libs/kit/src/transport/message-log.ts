import { StartupError } from '../contract/index.js';

/** What accompanies a message's payload; only strings, like NATS headers. */
export interface MessageHeaders {
  /** W3C Trace Context of the work that stored the message. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  /** W3C Baggage. */
  readonly baggage?: string | undefined;
  /** The values of the application's context in that work: JSON in ASCII, of at most 2,048 bytes. */
  readonly context?: string | undefined;
  /** The user for whom the work stored the message, percent-encoded: who acted in it, or on whose behalf it ran. */
  readonly onBehalfOf?: string | undefined;
}

/** What a process belongs to, as its database and its log record it. */
export interface Deployment {
  readonly id: string;
  /** The name of another deployment whose database or log is taken over. Default: none is. */
  readonly adopts?: string | undefined;
}

/**
 * The error of a process that finds the name of another deployment.
 * @param where it was found, as in `the database of ordering`.
 */
export function foreignDeployment(where: string, found: string, id: string): StartupError {
  return new StartupError(
    'deployment',
    `${where} belongs to the deployment '${found}', and this process to '${id}'`,
    `Check which database and broker it was given. To take this one over on purpose, end the processes of '${found}' and start once with ${ADOPT_VARIABLE}=${found}.`,
    { where, found, id },
  );
}

/** The variable that names a deployment whose database or log is taken over. */
export const ADOPT_VARIABLE = 'FLEDGE_ADOPT_DEPLOYMENT';

/** The longest key of a message, in characters. */
export const KEY_MAX = 200;

/** A message as it is stored in an outbox, carried, and stored in an inbox. */
export interface StoredMessage {
  /** UUID; stays the same when the message is sent again. */
  readonly id: string;
  readonly kind: 'event' | 'command';
  /** Wire name, e.g. `ordering.order-placed.v1`. */
  readonly name: string;
  /** The module that stored it. */
  readonly source: string;
  /** For a command: the module that handles it. */
  readonly target: string | undefined;
  /** Messages with the same source and key are delivered in commit order. */
  readonly key: string;
  /** JSON text. */
  readonly payload: string;
  readonly headers: MessageHeaders;
  /** When it was stored, by the clock of the database; ISO 8601. */
  readonly occurredAt: string;
  /** The partition of its key, by which replicas divide work, if known. */
  readonly partition?: number;
}

/** A module's position in the log that it reads; stored together with the messages accepted up to it. */
export interface LogPosition {
  /** Identifies one incarnation of the log: a log that was wiped and created again has another. */
  readonly incarnation: string;
  readonly sequence: number;
  /** The id of the message at that position, which reveals a log that lost its end and has other messages there now. */
  readonly id?: string;
}

/** The receiving side of a module: its inbox. */
export interface InboxPort {
  readonly module: string;
  /**
   * Whether a consumer of the module, here or in another replica, takes messages of this name (in any major version).
   */
  wants(message: Pick<StoredMessage, 'kind' | 'name' | 'target'>): boolean;
  /**
   * Why a message is not what it claims; `undefined` if it is. A log between processes asks this before `accept`, once it
   * has proven `source`, and does not deliver a message with a flaw: it would hold up a key in somebody else's name.
   */
  flawOf?(message: StoredMessage): string | undefined;
  /** Logs and counts a message that the log does not deliver. `place` says where it is. */
  quarantined?(place: string, why: string): void;
  /** The names without `.v<major>` of the events that the module's consumers take, to filter a log by. */
  subscriptions(): readonly string[];
  /**
   * Stores messages for each consumer that takes them, in this order; those already stored change nothing. Resolves
   * after the commit. `position` is stored in the same transaction. Rejects, storing nothing, if this replica no longer
   * reads the log.
   */
  accept(messages: readonly StoredMessage[], position?: LogPosition): Promise<void>;
  /**
   * Handles messages that were never sent before, and stores only those that cannot be handled at once. Resolves when
   * each is handled or stored. Without this method, they go to `accept`.
   */
  handOver?(messages: readonly StoredMessage[]): Promise<void>;
  /** Where the module stands in the log; `undefined` before its first message. */
  position(): Promise<LogPosition | undefined>;
  /**
   * Calls `work` while this replica is the one that reads the log for the module; the signal aborts when it no longer
   * is. `work` must not end before that, as it is not called again.
   */
  whileReading(work: (signal: AbortSignal) => Promise<void>): void;
}

/** What a module of this process has published and kept, for consumers that start from the beginning. */
export interface SentHistory {
  readonly module: string;
  /** Messages of these names (without version), oldest first, in batches. */
  read(names: readonly string[]): AsyncIterable<readonly StoredMessage[]>;
}

/**
 * The result of a batch: the messages that are stored at their destination; the others must be sent again, in order.
 */
export interface Sent {
  readonly accepted: ReadonlySet<string>;
  /** Why the others were not accepted, if any. */
  readonly failure?: unknown;
  /** The position in the log of each stored message, by its id, if there is a log. */
  readonly sequences?: ReadonlyMap<string, number>;
}

/** The place at which a log has confirmed a message. */
export interface StoredPlace {
  readonly id: string;
  readonly sequence: number;
  readonly kind: StoredMessage['kind'];
  readonly name: string;
  readonly source: string;
}

/** Carries messages from the outboxes of modules to the inboxes of others; the durable half of a transport. */
export interface MessageLog {
  /** The name of the transport. */
  readonly name: string;
  /**
   * Carries messages of one module. Keeps the order of each key: once a message was not accepted, no later one with its
   * key is. Sending a message again has no effect.
   * @param isFirst whether none of them was ever sent before, by any replica. Default: unknown.
   */
  send(source: string, messages: readonly StoredMessage[], isFirst?: boolean): Promise<Sent>;
  /**
   * Identifies the incarnation of the log that messages are sent to; `undefined` if there is no log. When it changes,
   * what was sent is lost and must be sent again from the outbox.
   */
  incarnation(): Promise<string | undefined>;
  /**
   * Records in the log which deployment it belongs to, if it belongs to none yet; called once, after the start. Without
   * this method the log belongs to one process.
   * @throws StartupError if it belongs to another one and must not be adopted.
   */
  claim?(deployment: Deployment): Promise<void>;
  /**
   * Increases with each lost connection to the log: the log may then hold less than before. Without this method,
   * nothing can be lost.
   */
  connections?(): number;
  /**
   * The ids of the given messages that the log confirmed but no longer has at their place, although it starts before
   * it.
   */
  missing?(stored: readonly StoredPlace[]): Promise<readonly string[]>;
  /**
   * Whether messages can be carried now. Without this method: always. A replica that cannot leaves its work to those
   * that can.
   */
  isReachable?(): boolean;
  /**
   * In what the log is configured otherwise than the topology says, a text for each; without this method, in nothing.
   * `/readyz` reports that there is something.
   */
  differences?(): readonly string[];
  /** Delivers to a module hosted here, until `stop`. */
  subscribe(inbox: InboxPort): Promise<void>;
  /** All messages of these names sent so far, oldest first, for a new consumer that starts from the beginning. */
  history(inbox: InboxPort, names: readonly string[]): AsyncIterable<readonly StoredMessage[]>;
  /**
   * Receives a reader of what a module of this process has sent, for a log that keeps nothing itself. Without this
   * method, the log must keep what it carried.
   */
  keep?(sentHistory: SentHistory): void;
  /** Stops deliveries; resolves when what was being accepted is stored. */
  stop(): Promise<void>;
}

import type { StoredMessage } from '../../transport/index.js';

/** An outbox message as the relay sends it. */
export interface OutgoingMessage {
  /** Its sequence number in the outbox. */
  readonly seq: string;
  readonly partition: number;
  readonly message: StoredMessage;
}

/** The messages that one transaction of this process stored in the outbox. */
export interface LaneEntry {
  readonly messages: readonly OutgoingMessage[];
  readonly bytes: number;
  state: 'open' | 'committed';
}

/** The most messages, and bytes of them, that wait in memory; any further ones are read from the outbox. */
const LANE_MESSAGES_MAX = 2_000;
const LANE_BYTES_MAX = 8 * 1024 * 1024;

/**
 * What this process has stored in the outbox and its relay has not taken yet. Per key, the order is that of the
 * commits: a transaction gets its place once PostgreSQL has stored its messages, for which it took the locks of their
 * keys, and it keeps those locks until its commit. While the replica is alone and the relay has sent everything in the
 * table, the relay takes messages from here without reading the table.
 */
export class OutboxLane {
  private entries: LaneEntry[] = [];
  private committed = 0;
  private bytes = 0;

  get isEmpty(): boolean {
    return this.committed === 0;
  }

  /** Whether more is waiting than should be kept in memory. */
  get isFull(): boolean {
    return this.committed > LANE_MESSAGES_MAX || this.bytes > LANE_BYTES_MAX;
  }

  /** A transaction has stored messages, and is about to commit. */
  open(messages: readonly OutgoingMessage[]): LaneEntry {
    const entry: LaneEntry = {
      messages,
      bytes: messages.reduce((sum, { message }) => sum + message.payload.length, 0),
      state: 'open',
    };
    this.entries.push(entry);
    return entry;
  }

  /** The transaction has committed. */
  commit(entry: LaneEntry): void {
    entry.state = 'committed';
    this.committed += entry.messages.length;
    this.bytes += entry.bytes;
  }

  /** Removes a transaction: it was rolled back, or its messages are read from the table. */
  remove(entry: LaneEntry): void {
    const at = this.entries.indexOf(entry);
    if (at < 0) return;
    this.entries.splice(at, 1);
    this.forget(entry);
  }

  /** Removes all committed transactions, because their messages are read from the table. */
  removeCommitted(): void {
    for (const entry of this.entries.filter(({ state }) => state === 'committed')) this.remove(entry);
  }

  /** The transactions that have committed so far. */
  settled(): readonly LaneEntry[] {
    return this.entries.filter(({ state }) => state === 'committed');
  }

  /**
   * Takes messages of committed transactions, up to `rowsMax`. A message behind an open transaction of the same key
   * waits for that transaction.
   */
  take(rowsMax: number): OutgoingMessage[] {
    const taken: OutgoingMessage[] = [];
    const rest: LaneEntry[] = [];
    let blocked: Set<string> | undefined;
    for (const entry of this.entries) {
      const mayGo =
        entry.state === 'committed' && (taken.length === 0 || taken.length + entry.messages.length <= rowsMax);
      if (mayGo && (blocked === undefined || !entry.messages.some(({ message }) => blocked?.has(message.key)))) {
        for (const message of entry.messages) taken.push(message);
        this.forget(entry);
        continue;
      }
      rest.push(entry);
      blocked ??= new Set();
      for (const { message } of entry.messages) blocked.add(message.key);
    }
    this.entries = rest;
    return taken;
  }

  private forget(entry: LaneEntry): void {
    if (entry.state !== 'committed') return;
    this.committed -= entry.messages.length;
    this.bytes -= entry.bytes;
  }
}

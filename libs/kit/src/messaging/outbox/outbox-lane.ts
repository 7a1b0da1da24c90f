import type { StoredMessage } from '../../transport/index.js';

/** A message of the outbox, as its relay carries it. */
export interface OutgoingMessage {
  /** Its number in the outbox. */
  readonly seq: string;
  readonly partition: number;
  readonly message: StoredMessage;
}

/** What one transaction of this process stored in the outbox. */
export interface LaneEntry {
  readonly messages: readonly OutgoingMessage[];
  readonly bytes: number;
  state: 'open' | 'committed';
}

/** Messages, and bytes of them, that wait in memory at the most; more are read from the outbox. */
const LANE_MESSAGES_MAX = 2_000;
const LANE_BYTES_MAX = 8 * 1024 * 1024;

/**
 * What this process has stored in the outbox and its relay has not taken, in an order in which each key has that of its
 * commits: a transaction gets its place when PostgreSQL has stored its messages, for which it has waited for the locks
 * of their keys, and keeps them until its commit. While the replica is alone and the relay has carried all that the
 * table holds, it takes messages from here without reading the table.
 */
export class OutboxLane {
  private entries: LaneEntry[] = [];
  private committed = 0;
  private bytes = 0;

  get isEmpty(): boolean {
    return this.committed === 0;
  }

  /** Whether more waits than memory is meant for. */
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

  /** It has committed. */
  commit(entry: LaneEntry): void {
    entry.state = 'committed';
    this.committed += entry.messages.length;
    this.bytes += entry.bytes;
  }

  /** Takes a transaction out: it was undone, or its messages are read from the table. */
  remove(entry: LaneEntry): void {
    const at = this.entries.indexOf(entry);
    if (at < 0) return;
    this.entries.splice(at, 1);
    this.forget(entry);
  }

  /** Takes all out that have committed, for their messages are read from the table. */
  removeCommitted(): void {
    for (const entry of this.entries.filter(({ state }) => state === 'committed')) this.remove(entry);
  }

  /** The transactions that have committed by now. */
  settled(): readonly LaneEntry[] {
    return this.entries.filter(({ state }) => state === 'committed');
  }

  /**
   * Takes messages of transactions that have committed, as many as `rowsMax` allows; what comes after an open one of
   * its keys waits for that.
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

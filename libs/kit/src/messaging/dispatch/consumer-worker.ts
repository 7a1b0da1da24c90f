import { now } from '../../boundary/index.js';
import { Backlog, type KeyQueue } from './backlog.js';
import { BATCH_MAX } from './batch.js';
import type { DurableConsumer } from '../consumers/consumer.js';
import {
  consumerGroup,
  type Found,
  type InMemory,
  type OfConsumers,
  type PartitionQuery,
} from '../inbox/deliveries.js';
import { type Addressed, HandOver, type Taker } from '../inbox/hand-over.js';
import type { Assignment, Membership } from '../replicas/membership.js';
import { PARTITIONS } from '../storage/partitions.js';
import type { StoredMessage } from '../../transport/index.js';

/** The number of messages of a partition in memory at which no more are taken. */
export const MEMORY_MAX = 64;
/**
 * The number of messages of a consumer in memory at which no more are looked for: few looks that find much cost less
 * than many that find little.
 */
const ENOUGH = 4 * BATCH_MAX;

/**
 * How long new messages wait for their consumer's current transaction to end, so as to share the next one, in
 * milliseconds; then they get their own.
 */
const JOIN_MS = 8;
/** How many messages each consumer whose handlers have their own transactions handles at a time. */
const OWN_AT_ONCE = 8;
/** For how long a slow consumer's messages are stored before they are handled, in milliseconds. */
const LATE_FOR_MS = 1_000;

/** One consumer on this replica. */
export class ConsumerWorker implements Taker {
  readonly group: Assignment;
  readonly backlog = new Backlog();
  /**
   * Partitions whose ready messages in the inbox are all in memory, so that the next one stored may be added behind
   * them.
   */
  readonly complete = new Set<number>();
  /**
   * Counts messages that were stored but not taken into memory; a look that began before one of them does not make a
   * partition complete.
   */
  missed = 0;
  /** Transactions, or handlers with their own transactions, in progress. */
  working = 0;
  /** When its last transaction began, by `now()`. */
  batchAt = -Infinity;
  /** Whether a heartbeat found no held key, and nothing has failed since. */
  private holdsNothing = false;
  private lastFailedAt = -Infinity;
  private lateUntil = 0;

  constructor(
    readonly consumer: DurableConsumer,
    membership: Membership,
  ) {
    this.group = membership.join(consumerGroup(consumer.name), PARTITIONS);
    this.group.onRelease((part) => !this.backlog.isBusy(part));
  }

  /** Whether its handlers open transactions of their own. */
  get isOwn(): boolean {
    return this.consumer.rules.transaction === 'own';
  }

  /** Milliseconds until the next waiting key may start; `Infinity`: when something ends. */
  startsInMs(): number {
    if (this.isOwn) return this.working < OWN_AT_ONCE ? 0 : Infinity;
    return this.working === 0 || this.backlog.waitingKeys > BATCH_MAX ? 0 : this.batchAt + JOIN_MS - now();
  }

  /** Whether memory has everything, so that no look is needed. */
  get isComplete(): boolean {
    return this.complete.size >= this.group.held.size;
  }

  /** A message has failed, and its key is about to be held. */
  failed(): void {
    this.lastFailedAt = now();
    this.holdsNothing = false;
  }

  /** Takes the result of a heartbeat on held keys; `askedAt` is when the heartbeat was sent, by `now()`. */
  sawHolds(some: boolean, askedAt: number): void {
    this.holdsNothing = !some && askedAt > this.lastFailedAt;
  }

  /** Whether a message may be added behind what is in memory: memory has everything that came before it. */
  isReadyFor(key: string, partition: number, look: number): boolean {
    const { backlog } = this;
    const queue = backlog.queue(key);
    if (queue?.held === true || queue?.abandoned === true) return false;
    return (
      this.complete.has(partition) &&
      this.group.held.has(partition) &&
      backlog.leftSince(key, look) === undefined &&
      backlog.count(partition) < MEMORY_MAX
    );
  }

  /** Its messages are stored first for a while, so that their senders do not wait for it. */
  wasLate(): void {
    this.lateUntil = now() + LATE_FOR_MS;
  }

  /** Whether a message may be taken before it is stored: in addition, no key is held. */
  mayHandOver({ key, partition }: StoredMessage, look: number): boolean {
    return (
      this.holdsNothing && now() >= this.lateUntil && partition !== undefined && this.isReadyFor(key, partition, look)
    );
  }

  /**
   * Takes the results of a look into memory.
   * @returns the held keys, with their partition, whose messages are to be parked; and the keys whose hold is over with
   * nothing behind it.
   */
  receive(
    found: readonly Found[],
    look: number,
  ): { readonly held: ReadonlyMap<string, number>; readonly over: ReadonlySet<string> } {
    const { backlog, group } = this;
    const held = new Map<string, number>();
    const over = new Set<string>();
    for (const { key, state, delivery, partition } of found) {
      if (!group.held.has(partition) || backlog.leftSince(key, look) !== undefined) continue;
      if (state === 'held') held.set(key, partition);
      else if (delivery === undefined) over.add(key);
      else if (state === 'ready' && backlog.queue(key)?.held) held.set(key, partition);
      else if (!backlog.ids.has(delivery.message.id)) backlog.add(delivery, state === 'due');
    }
    return { held, over };
  }

  /** The partitions to look into: none while there is enough in memory, and complete ones only if `everywhere`. */
  wanted(everywhere: boolean): readonly number[] {
    if (this.backlog.hasWaiting && this.backlog.ids.size >= ENOUGH) return [];
    return [...this.group.held].filter(
      (part) => (everywhere || !this.complete.has(part)) && this.backlog.count(part) < MEMORY_MAX,
    );
  }

  /** Removes a key from memory; its remaining messages stay in the inbox and will be looked for. */
  drop(queue: KeyQueue, look: number, leaving: 'dropped' | 'held'): void {
    // even if it has lost the partition by now: then nothing is complete there anyway
    this.complete.delete(queue.partition);
    this.backlog.drop(queue, look, leaving);
  }

  /** Drops the keys of partitions that another replica has. */
  leaveOut(look: number): void {
    for (let part = 0; part < PARTITIONS; part++) {
      if (this.group.held.has(part)) continue;
      this.complete.delete(part);
      this.backlog.abandon(part, look);
    }
  }
}

/**
 * Hands messages that are not stored to their consumers, by name: all messages of a key or none, to keep their order.
 */
export function handOverTo(
  workers: ReadonlyMap<string, ConsumerWorker>,
  messages: readonly Addressed[],
  look: number,
): HandOver {
  const handOver = new HandOver();
  const refused = new Set<string>();
  for (const { message, consumers } of messages) {
    const isReady =
      consumers.length > 0 && consumers.every((consumer) => workers.get(consumer)?.mayHandOver(message, look) === true);
    if (!isReady) refused.add(message.key);
  }
  for (const { message, consumers } of messages) {
    if (refused.has(message.key)) {
      handOver.refused.push(message);
      continue;
    }
    const takers = consumers.map((consumer) => workers.get(consumer) as ConsumerWorker);
    handOver.take(message, takers);
    for (const { backlog, consumer } of takers)
      backlog.add(
        { consumer: consumer.name, message, partition: message.partition as number, attempts: 0, handOver },
        false,
      );
  }
  return handOver;
}

/** The partitions of several consumers to look into. */
export function queryOf(
  workers: readonly ConsumerWorker[],
  partsOf: (worker: ConsumerWorker) => Iterable<number>,
): PartitionQuery {
  const query = { consumers: [] as string[], partitions: [] as number[] };
  for (const worker of workers) {
    for (const part of partsOf(worker)) {
      query.consumers.push(worker.consumer.name);
      query.partitions.push(part);
    }
  }
  return query;
}

/** What several consumers have in memory. */
export function inMemoryOf(workers: readonly ConsumerWorker[]): InMemory {
  const pairs = (of: (worker: ConsumerWorker) => Iterable<string>): OfConsumers => {
    const all: OfConsumers = { consumers: [], values: [] };
    for (const worker of workers) {
      for (const value of of(worker)) {
        all.consumers.push(worker.consumer.name);
        all.values.push(value);
      }
    }
    return all;
  };
  return { messages: pairs(({ backlog }) => backlog.ids), keys: pairs(({ backlog }) => backlog.keys) };
}

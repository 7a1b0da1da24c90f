import { Backlog, type KeyQueue } from './backlog.js';
import { BATCH_MAX } from './batch.js';
import type { DurableConsumer } from './consumer.js';
import { consumerGroup, type InMemory, type OfConsumers, type PartitionQuery } from './deliveries.js';
import type { Assignment, Membership } from './membership.js';
import { PARTITIONS } from './schema.js';

/** Messages of a partition in memory, beyond which no more are taken. */
export const MEMORY_MAX = 64;
/** Messages of a consumer in memory, with which no more are looked for: a few looks that find much cost less than many that find little. */
const ENOUGH = 4 * BATCH_MAX;

/** One consumer at work on this replica. */
export class ConsumerWorker {
  readonly group: Assignment;
  readonly backlog = new Backlog();
  /** Partitions of which all that is ready in the inbox is in memory: what is stored next may be put behind it. */
  readonly complete = new Set<number>();
  /** Messages that were stored and not taken into memory; a look that began before does not make a partition complete. */
  missed = 0;
  /** Handlers with transactions of their own that run. */
  working = 0;

  constructor(
    readonly consumer: DurableConsumer,
    membership: Membership,
  ) {
    this.group = membership.join(consumerGroup(consumer.name), PARTITIONS);
    this.group.onRelease((part) => !this.backlog.isBusy(part));
  }

  /** Whether nothing has to be looked for. */
  get isComplete(): boolean {
    return this.complete.size >= this.group.held.size;
  }

  /** The partitions in which to look for more: none while there is enough in memory, and all others when it is to be looked everywhere. */
  wanted(everywhere: boolean): readonly number[] {
    if (this.backlog.hasWaiting && this.backlog.ids.size >= ENOUGH) return [];
    return [...this.group.held].filter((part) => (everywhere || !this.complete.has(part)) && this.backlog.count(part) < MEMORY_MAX);
  }

  /** Takes a key out of memory; what it has left stays in the inbox, and is looked for. */
  drop(queue: KeyQueue, look: number, leaving: 'dropped' | 'held'): void {
    // its partition may have been left out meanwhile: then nothing is complete there anyway
    this.complete.delete(queue.partition);
    this.backlog.drop(queue, look, leaving);
  }

  /** Lets go of what is of partitions that are another replica's. */
  leaveOut(look: number): void {
    for (let part = 0; part < PARTITIONS; part++) {
      if (this.group.held.has(part)) continue;
      this.complete.delete(part);
      this.backlog.abandon(part, look);
    }
  }
}

/** Partitions of several consumers, to look into. */
export function queryOf(workers: readonly ConsumerWorker[], partsOf: (worker: ConsumerWorker) => Iterable<number>): PartitionQuery {
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

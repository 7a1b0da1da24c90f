import type { Delivery } from '../inbox/deliveries.js';

/** The messages of one key in memory, in order. At most one of them is being handled. */
export interface KeyQueue {
  readonly key: string;
  readonly partition: number;
  /**
   * Whether they were parked: the key has a hold that is due, and is handled through it until nothing is parked any
   * more.
   */
  readonly held: boolean;
  readonly deliveries: Delivery[];
  busy: boolean;
  /** Another replica has its partition: nothing is added, and it leaves memory when its worker returns it. */
  abandoned: boolean;
}

/** How a key left memory: with nothing left to do, with messages left in the inbox, or behind a hold. */
export type Leaving = 'done' | 'dropped' | 'held';

/** Records that a key left memory while a look was in progress, whose result may be older than that. */
interface Trace {
  readonly look: number;
  readonly leaving: Leaving;
}

/**
 * What one consumer has in memory: messages by key, and the keys that wait for a worker, first come, first served. The
 * caller bounds its size.
 */
export class Backlog {
  private readonly queues = new Map<string, KeyQueue>();
  private waiting: KeyQueue[] = [];
  private readonly traces = new Map<string, Trace>();
  private readonly counts = new Map<number, number>();
  private readonly members = new Set<string>();

  /** Ids of all messages in memory. */
  get ids(): ReadonlySet<string> {
    return this.members;
  }

  /** Keys in memory. */
  get keys(): Iterable<string> {
    return this.queues.keys();
  }

  get hasWaiting(): boolean {
    return this.waiting.length > 0;
  }

  /** How many keys wait for a worker. */
  get waitingKeys(): number {
    return this.waiting.length;
  }

  /** How many messages of a partition are in memory. */
  count(partition: number): number {
    return this.counts.get(partition) ?? 0;
  }

  /** Whether a worker has a key of a partition. */
  isBusy(partition: number): boolean {
    for (const queue of this.queues.values()) if (queue.busy && queue.partition === partition) return true;
    return false;
  }

  has(key: string): boolean {
    return this.queues.has(key);
  }

  queue(key: string): KeyQueue | undefined {
    return this.queues.get(key);
  }

  /** How a key left memory since the given look began, if it did: what that look found for it may be out of date. */
  leftSince(key: string, look: number): Leaving | undefined {
    const trace = this.traces.get(key);
    return trace !== undefined && trace.look >= look ? trace.leaving : undefined;
  }

  /** Drops the records that no look in progress needs any more: `look` is the oldest of them. */
  forget(look: number): void {
    if (this.traces.size === 0) return;
    for (const [key, trace] of this.traces) if (trace.look < look) this.traces.delete(key);
  }

  /** Adds a message at the end of its key. An abandoned key takes none until it has left memory. */
  add(delivery: Delivery, held: boolean): void {
    const { key } = delivery.message;
    let queue = this.queues.get(key);
    if (!queue) {
      queue = { key, partition: delivery.partition, held, deliveries: [], busy: false, abandoned: false };
      this.queues.set(key, queue);
    }
    if (queue.abandoned) return;
    queue.deliveries.push(delivery);
    this.members.add(delivery.message.id);
    this.countUp(delivery.partition, 1);
    if (!queue.busy && queue.deliveries.length === 1) this.waiting.push(queue);
  }

  /** The next waiting key, for a worker to handle; the worker has it until `give`. */
  take(): KeyQueue | undefined {
    const queue = this.waiting.shift();
    if (queue) queue.busy = true;
    return queue;
  }

  /** Takes the next message of a worker's key. It counts as in memory until `done`. */
  next(queue: KeyQueue): Delivery | undefined {
    return queue.deliveries.shift();
  }

  /** Removes a message that was taken. */
  done(delivery: Delivery): void {
    if (this.members.delete(delivery.message.id)) this.countUp(delivery.partition, -1);
  }

  /** Returns a key: it waits for the next worker if it has more messages, otherwise it leaves memory. */
  give(queue: KeyQueue, look: number): void {
    queue.busy = false;
    if (queue.deliveries.length > 0) this.waiting.push(queue);
    else this.leave(queue, look, queue.abandoned ? 'dropped' : 'done');
  }

  /** Removes a key that the caller has, or nobody, from memory; its remaining messages stay in the inbox. */
  drop(queue: KeyQueue, look: number, leaving: 'dropped' | 'held'): void {
    this.clear(queue);
    this.leave(queue, look, leaving);
  }

  /** Removes all keys of a partition from memory; those that a worker has, when the worker returns them. */
  abandon(partition: number, look: number): void {
    for (const queue of [...this.queues.values()].filter((q) => q.partition === partition)) {
      queue.abandoned = true;
      if (queue.busy) this.clear(queue);
      else this.drop(queue, look, 'dropped');
    }
  }

  private clear(queue: KeyQueue): void {
    for (const delivery of queue.deliveries.splice(0)) this.done(delivery);
    if (!queue.busy) this.waiting = this.waiting.filter((other) => other !== queue);
  }

  private leave(queue: KeyQueue, look: number, leaving: Leaving): void {
    queue.busy = false;
    this.queues.delete(queue.key);
    this.traces.set(queue.key, { look, leaving });
  }

  private countUp(partition: number, by: number): void {
    this.counts.set(partition, this.count(partition) + by);
  }
}

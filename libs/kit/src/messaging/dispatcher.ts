import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { now } from '../boundary/index.js';
import type { ModuleDataSource } from '../data/index.js';
import { Attempt } from './attempt.js';
import { Backlog } from './backlog.js';
import { Batch, BATCH_MAX, type Workshop } from './batch.js';
import type { DurableConsumer } from './consumer.js';
import { consumerGroup, Deliveries, type Delivery, type Found, type InMemory, LOOK_ROWS_MAX, type OfConsumers, type Sight } from './deliveries.js';
import { LeaseLost } from './delivery-errors.js';
import type { LeaseGroup, Leases } from './lease.js';
import { afterHandle, afterHandled } from './points.js';
import { PARTITIONS } from './schema.js';
import { sqlOf } from './sql.js';
import { Verdicts } from './verdicts.js';

/** Transactions in which a module handles messages at one time. */
const BATCHES_AT_ONCE = 4;
/** Messages that handlers with transactions of their own work on at one time, of each consumer. */
const OWN_AT_ONCE = 8;
/** Messages of a partition in memory, beyond which no more are looked for. */
const MEMORY_MAX = 64;
/** Messages of a consumer in memory, with which no more are looked for: a few looks that find much cost less than many that find little. */
const ENOUGH = 4 * BATCH_MAX;
/** From the start of a look that found something to that of the next one at the least. */
const LOOK_MIN_MS = 8;
const POLL_MIN_MS = 20;
const POLL_MAX_MS = 500;
const PAUSE_AFTER_FAILURE_MS = 200;

/** What a dispatcher is made of. */
export interface DispatcherOptions {
  readonly module: string;
  readonly source: ModuleDataSource;
  readonly leases: Leases;
  readonly consumers: readonly DurableConsumer[];
}

/** A consumer at work. */
interface Line {
  readonly consumer: DurableConsumer;
  readonly group: LeaseGroup;
  readonly backlog: Backlog;
  working: number;
}

/**
 * Hands a module's inbox to its consumers: of each key one message at a time and in order, keys side by side. Of all replicas one at
 * a time works on a partition of a consumer.
 */
export class Dispatcher {
  private readonly logger = new Logger('messages');
  private readonly lines: readonly Line[];
  private readonly shop: Workshop;
  private looks = 0;
  private batches = 0;
  private stopped = false;
  private woken = false;
  private waiting: (() => void) | undefined;
  private running: Promise<void> | undefined;
  private readonly working = new Set<Promise<void>>();
  private failing = false;

  constructor({ module, source, leases, consumers }: DispatcherOptions) {
    this.lines = consumers.map((consumer) => ({ consumer, group: leases.join(consumerGroup(consumer.name), PARTITIONS), backlog: new Backlog(), working: 0 }));
    for (const line of this.lines) {
      line.group.onChange(() => this.onLeases(line));
      line.group.onRelease((part) => !line.backlog.isBusy(part));
    }
    const deliveries = new Deliveries(sqlOf(source), module);
    this.shop = {
      module,
      source,
      deliveries,
      verdicts: new Verdicts(leases.replica, deliveries),
      logger: this.logger,
      attempts: new Map(),
      points: { afterHandle: () => afterHandle(module), afterHandled: () => afterHandled(module) },
      isStopping: () => this.stopped,
    };
  }

  start(): void {
    this.running = this.run();
  }

  /** There may be something to handle. */
  wake(): void {
    this.woken = true;
    // a database that fails is not asked more often because there is more to handle
    if (!this.failing || this.stopped) this.waiting?.();
  }

  /**
   * Takes nothing more; resolves when what is being handled is committed. Other replicas go on at once with partitions on which nothing
   * is being handled, and with the others as that ends.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    await this.running;
    await Promise.all(this.lines.map(({ group }) => group.letGo()));
    await Promise.all(this.working);
  }

  private async run(): Promise<void> {
    let pauseMs = POLL_MIN_MS;
    while (!this.stopped) {
      const startedAt = now();
      const found = await this.lookSafely();
      this.employ();
      // for more to come in and to be handled before the next look
      const waitMs = LOOK_MIN_MS - (now() - startedAt);
      if (found > 0 && waitMs > 1) await sleep(waitMs, undefined, { ref: false });
      pauseMs = found > 0 || this.woken ? POLL_MIN_MS : Math.min(pauseMs * 2, POLL_MAX_MS);
      await this.pause(this.failing ? PAUSE_AFTER_FAILURE_MS : pauseMs);
    }
  }

  private async lookSafely(): Promise<number> {
    this.woken = false;
    try {
      const found = await this.look();
      this.failing = false;
      return found;
    } catch (error) {
      if (!this.failing && !this.stopped) this.logger.warn(`${this.shop.module}: the inbox can not be read for now: ${error instanceof Error ? error.message : String(error)}`);
      this.failing = true;
      return 0;
    }
  }

  private async look(): Promise<number> {
    const sight = this.sight();
    if (sight.consumers.length === 0) return 0;
    const look = ++this.looks;
    const found = await this.shop.deliveries.look(sight, this.inMemory(), LOOK_ROWS_MAX);
    for (const line of this.lines) {
      await this.take(line, found.filter((one) => one.consumer === line.consumer.name), look);
      line.backlog.forget(look);
    }
    return found.length;
  }

  private sight(): Sight {
    const hungry = this.lines.filter(({ backlog }) => !backlog.hasWaiting || backlog.ids.size < ENOUGH);
    const seen = hungry.flatMap((line) => [...line.group.held.keys()].filter((part) => line.backlog.count(part) < MEMORY_MAX).map((part) => ({ name: line.consumer.name, part })));
    return { consumers: seen.map((one) => one.name), partitions: seen.map((one) => one.part) };
  }

  private inMemory(): InMemory {
    const pairs = (of: (backlog: Backlog) => Iterable<string>): OfConsumers => {
      const all: OfConsumers = { consumers: [], values: [] };
      for (const { consumer, backlog } of this.lines) {
        for (const value of of(backlog)) {
          all.consumers.push(consumer.name);
          all.values.push(value);
        }
      }
      return all;
    };
    return { messages: pairs((backlog) => backlog.ids), keys: pairs((backlog) => backlog.keys) };
  }

  private async take({ consumer, backlog, group }: Line, found: readonly Found[], look: number): Promise<void> {
    const held = new Map<string, number>();
    const over = new Set<string>();
    for (const { key, state, delivery, partition } of found) {
      if (!group.held.has(partition) || backlog.leftSince(key, look) !== undefined) continue;
      if (state === 'held') held.set(key, partition);
      else if (delivery === undefined) over.add(key);
      else if (state === 'ready' && backlog.queue(key)?.held) held.set(key, partition);
      else backlog.add(delivery, state === 'due');
    }
    if (held.size > 0) await this.shop.deliveries.park(consumer.name, [...new Set(held.values())], [...held.keys()]);
    for (const key of over) if (!backlog.has(key)) await this.shop.deliveries.release(consumer.name, key);
    if (held.size + over.size > 0) this.woken = true;
  }

  /** Gives waiting keys to workers, as many as there are. */
  private employ(): void {
    for (const line of this.lines) {
      while (!this.stopped && line.backlog.hasWaiting && this.hasWorker(line)) {
        const work = (line.consumer.rules.transaction === 'own' ? this.handleOwn(line) : this.handleBatch(line)).catch((error: unknown) => this.logger.error(`${this.shop.module}: ${String(error)}`));
        this.working.add(work);
        void work.finally(() => {
          this.working.delete(work);
          if (this.stopped) void line.group.letGo();
          this.wake();
          this.employ();
        });
      }
    }
  }

  private hasWorker({ consumer, working }: Line): boolean {
    return consumer.rules.transaction === 'own' ? working < OWN_AT_ONCE : this.batches < BATCHES_AT_ONCE;
  }

  private async handleBatch(line: Line): Promise<void> {
    const { consumer, backlog } = line;
    const batch = new Batch(this.shop, consumer, backlog, this.epochs(line));
    this.batches += 1;
    try {
      await batch.run();
      const failed = new Set(batch.failures.map((failure) => failure.delivery));
      for (const delivery of batch.taken) this.ended(line, delivery, !failed.has(delivery));
      for (const queue of batch.queues) {
        if (batch.failed.has(queue)) backlog.drop(queue, this.looks, 'held');
        else backlog.give(queue, this.looks);
      }
    } catch (error) {
      await this.undone(line, batch, error);
      for (const delivery of batch.taken) this.ended(line, delivery, false);
      for (const queue of batch.queues) backlog.drop(queue, this.looks, 'dropped');
    } finally {
      this.batches -= 1;
    }
  }

  /** One message whose handler opens transactions of its own; noted as handled after it. */
  private async handleOwn(line: Line): Promise<void> {
    const { consumer, backlog } = line;
    const { source, deliveries, verdicts, module, attempts } = this.shop;
    const queue = backlog.take();
    const delivery = queue && backlog.next(queue);
    if (!queue || !delivery) return;
    line.working += 1;
    // those that it began with: what is let go of meanwhile is this replica's until it ends
    const epochs = this.epochs(line);
    try {
      const attempt = new Attempt(module, consumer, delivery.message);
      attempts.set(attempt, delivery);
      const outcome = await attempt.run().finally(() => attempts.delete(attempt));
      if (!outcome.ok && outcome.error instanceof LeaseLost) throw outcome.error;
      afterHandle(module);
      const failure = outcome.ok ? undefined : await verdicts.failed(consumer, delivery, outcome.error);
      await source.transaction(() => deliveries.settle(consumer.name, failure ? [] : [delivery], failure ? [failure] : [], epochs));
      afterHandled(module);
      this.ended(line, delivery, outcome.ok);
      if (failure) backlog.drop(queue, this.looks, 'held');
      else backlog.give(queue, this.looks);
    } catch (error) {
      this.failing = true;
      this.logger.warn(`${module}: ${consumer.name} could not note what became of ${delivery.message.id}, which it will handle again: ${error instanceof Error ? error.message : String(error)}`);
      this.ended(line, delivery, false);
      backlog.drop(queue, this.looks, 'dropped');
    } finally {
      line.working -= 1;
    }
  }

  /** A transaction came to nothing: its messages are tried again, each in its own. One that was alone has failed. */
  private async undone(line: Line, { taken }: Batch, error: unknown): Promise<void> {
    const { verdicts } = this.shop;
    const [only] = taken;
    this.failing = true;
    if (error instanceof LeaseLost || only === undefined) return;
    if (taken.length > 1) {
      for (const delivery of taken) verdicts.suspect(delivery);
      return;
    }
    if (!verdicts.counts(only, error)) return;
    const failure = verdicts.counted(line.consumer, only, error);
    try {
      await new Batch(this.shop, line.consumer, line.backlog, this.epochs(line)).bury(failure);
    } catch (unwritten) {
      this.logger.warn(`${this.shop.module}: a failed try of ${only.message.id} could not be written down: ${unwritten instanceof Error ? unwritten.message : String(unwritten)}`);
    }
  }

  private ended({ backlog }: Line, delivery: Delivery, forget: boolean): void {
    backlog.done(delivery);
    if (forget) this.shop.verdicts.clear(delivery);
  }

  private onLeases({ consumer, group, backlog }: Line): void {
    for (let part = 0; part < PARTITIONS; part++) if (!group.held.has(part)) backlog.abandon(part, this.looks);
    this.shop.verdicts.keep(consumer.name, (part) => group.keeps(part));
    for (const [attempt, delivery] of this.shop.attempts) {
      if (delivery.consumer === consumer.name && !group.keeps(delivery.partition)) attempt.giveUp(new LeaseLost(group.group));
    }
    this.wake();
  }

  private epochs({ group }: Line): (string | null)[] {
    return Array.from({ length: PARTITIONS }, (_, part) => group.held.get(part)?.epoch ?? null);
  }

  private pause(ms: number): Promise<void> {
    if (this.stopped || (this.woken && !this.failing)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms).unref();
      this.waiting = done;
    });
  }
}

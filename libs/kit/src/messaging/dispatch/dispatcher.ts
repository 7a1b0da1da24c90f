import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { ContextReader, now, type Tracing } from '../../boundary/index.js';
import type { ModuleDataSource } from '../../data/index.js';
import { Attempt } from './attempt.js';
import type { KeyQueue } from './backlog.js';
import { Batch, BATCH_MAX, type HandlerContext } from './batch.js';
import { CarefulStart } from './careful-start.js';
import { afterHandle, afterHandled } from '../signals/checkpoints.js';
import { MessageCounts } from '../signals/message-counts.js';
import type { DurableConsumer } from '../consumers/consumer.js';
import { ConsumerWorker, handOverTo, inMemoryOf, queryOf } from './consumer-worker.js';
import { Deliveries, type Delivery, type FailedDelivery, type Found, LOOK_ROWS_MAX } from '../inbox/deliveries.js';
import { MembershipLost } from '../consumers/delivery-errors.js';
import { deadLetterText, FailurePolicy } from './failure-policy.js';
import { type Addressed, HAND_OVER_MAX, type HandOver } from '../inbox/hand-over.js';
import type { Membership } from '../replicas/membership.js';
import { sqlOf } from '../storage/sql.js';
import { Waker } from '../signals/waker.js';

/** How many transactions a module uses at a time to handle messages. */
const BATCHES_AT_ONCE = 4;
/** The shortest time from the start of a look that found something to the start of the next one, in milliseconds. */
const LOOK_MIN_MS = 8;
const PAUSE_AFTER_FAILURE_MS = 200;

/** What a dispatcher needs. */
export interface DispatcherOptions {
  readonly module: string;
  readonly source: ModuleDataSource;
  readonly membership: Membership;
  readonly consumers: readonly DurableConsumer[];
  readonly tracing?: Tracing | undefined;
  /** Reads the application's context, which comes with messages. Default: passes on whatever comes. */
  readonly contexts?: ContextReader;
  /** Counts what is handled. */
  readonly counts?: MessageCounts;
}

/**
 * Hands a module's inbox to its consumers: the messages of a key one at a time and in order, different keys
 * concurrently. Only one replica at a time works on a partition of a consumer. What the inbox stores while this replica
 * is alone comes here directly (`offer`); the rest is looked for when something signals that there may be some.
 */
export class Dispatcher {
  private readonly logger = new Logger('messages');
  private readonly workers: readonly ConsumerWorker[];
  private readonly byName: ReadonlyMap<string, ConsumerWorker>;
  private readonly context: HandlerContext;
  private readonly membership: Membership;
  private looks = 0;
  /** Looks at the inbox, and stores into it, that are in progress. */
  private readonly openLooks = new Set<number>();
  private batches = 0;
  private started = false;
  private stopped = false;
  private readonly waker = new Waker();
  private running: Promise<void> | undefined;
  private readonly working = new Set<Promise<void>>();
  private failing = false;
  private complained = false;
  /** Whether the next look includes partitions that are assumed to be complete in memory. */
  private everywhere = false;
  private holdDueAt = Infinity;
  private joinTimer: NodeJS.Timeout | undefined;
  private readonly careful: CarefulStart;

  constructor(options: DispatcherOptions) {
    const { module, source, membership, consumers, contexts = new ContextReader(), tracing } = options;
    this.membership = membership;
    this.workers = consumers.map((consumer) => new ConsumerWorker(consumer, membership));
    this.byName = new Map(this.workers.map((worker) => [worker.consumer.name, worker]));
    for (const worker of this.workers) worker.group.onChange(() => this.onAssignment(worker));
    membership.onTold('inbox', () => this.wakeAll());
    membership.onSigns(({ ready, holdInMs, holding }, askedAt) => {
      for (const worker of this.workers) worker.sawHolds(holding.includes(worker.consumer.name), askedAt);
      if (ready) this.lookEverywhere();
      if (holdInMs !== null) this.expectHold(holdInMs);
    });
    const deliveries = new Deliveries(sqlOf(source), module);
    this.context = {
      module,
      source,
      contexts,
      deliveries,
      failurePolicy: new FailurePolicy(() => membership.replica, deliveries),
      logger: this.logger,
      attempts: new Map(),
      checkpoints: { afterHandle: () => afterHandle(module), afterHandled: () => afterHandled(module) },
      tracing,
      counts: options.counts ?? new MessageCounts(),
      isStopping: () => this.stopped,
    };
    this.careful = new CarefulStart(this.context, membership);
  }

  start(): void {
    this.started = true;
    this.running = this.run();
  }

  /** There may be something to handle that is not in memory. */
  wakeAll(): void {
    for (const worker of this.workers) worker.complete.clear();
    this.waker.wake();
  }

  /**
   * The inbox has unhandled messages, most likely in memory. Looks for any that are not, including in partitions that
   * are assumed to be complete.
   */
  private lookEverywhere(): void {
    if (!this.membership.isAlone || this.isIdle()) return this.wakeAll();
    this.everywhere = true;
    this.waker.wake();
  }

  /** Called before storing into the inbox. Returns the number of this look, for `offer`. */
  openLook(): number {
    this.openLooks.add(++this.looks);
    return this.looks;
  }

  /**
   * Takes what this process has just stored in the inbox: directly into memory if that has everything that came before
   * it, otherwise by a look.
   */
  offer(found: readonly Found[], look: number): void {
    let missed = false;
    if (!this.membership.isAlone && found.length > 0) this.membership.tell('inbox');
    for (const one of found) {
      const worker = this.byName.get(one.consumer);
      if (worker && !this.stopped && !this.take(worker, one, look)) missed = true;
    }
    this.closeLook(look);
    if (missed) this.waker.wake();
    if (this.started) this.dispatch();
  }

  /** Takes a message into memory, behind everything that came before it. Returns false when it has to be looked for. */
  private take(worker: ConsumerWorker, { key, partition, state, delivery }: Found, look: number): boolean {
    const { backlog } = worker;
    // it was handed to the handler before it was stored
    if (backlog.ids.has((delivery as Delivery).message.id)) return true;
    if (this.membership.isAlone && state === 'ready' && worker.isReadyFor(key, partition, look)) {
      backlog.add(delivery as Delivery, false);
      return true;
    }
    worker.complete.delete(partition);
    worker.missed += 1;
    return false;
  }

  /** Takes messages that are not stored, if possible. */
  handOver(messages: readonly Addressed[]): HandOver {
    const look = this.openLook();
    const mayTake =
      this.started &&
      !this.stopped &&
      this.membership.isSurelyAlone &&
      !this.careful.isOn &&
      messages.length <= HAND_OVER_MAX;
    const handOver = handOverTo(mayTake ? this.byName : new Map(), messages, look);
    this.closeLook(look);
    this.dispatch();
    return handOver;
  }

  private closeLook(look: number): void {
    this.openLooks.delete(look);
    let oldest = this.looks + 1;
    for (const open of this.openLooks) oldest = Math.min(oldest, open);
    for (const { backlog } of this.workers) backlog.forget(oldest);
  }

  /**
   * Takes nothing more; resolves when the messages in progress are committed. Other replicas take over idle partitions
   * at once, and the others when their work ends.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    this.waker.wake();
    await this.running;
    await Promise.all(this.workers.map(({ group }) => group.letGo()));
    await Promise.all(this.working);
  }

  /** The database fails: pauses before asking it again. */
  private fail(): void {
    this.failing = true;
    this.waker.wake();
  }

  private isIdle(): boolean {
    return this.working.size === 0 && this.workers.every(({ backlog }) => !backlog.hasWaiting);
  }

  /** A message has failed, and its key is held. */
  private holds(worker: ConsumerWorker, failure: FailedDelivery): void {
    worker.failed();
    if (failure.waitMs === undefined) this.logger.error(deadLetterText(this.context.module, failure));
    this.expectHold(failure.waitMs ?? 0);
  }

  private expectHold(inMs: number): void {
    const at = now() + Math.max(inMs, 0);
    if (at >= this.holdDueAt) return;
    this.holdDueAt = at;
    // the current wait may be too long now
    this.waker.rouse();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      if (this.failing) {
        // `stop` may be called in the meantime
        await this.leaveAlone();
        continue;
      }
      const startedAt = now();
      const isDue = this.holdDueAt <= startedAt;
      if (isDue) this.holdDueAt = Infinity;
      const found = this.waker.woken || isDue ? await this.lookSafely() : 0;
      this.dispatch();
      // lets more messages arrive and be handled before the next look
      const waitMs = LOOK_MIN_MS - (now() - startedAt);
      if (found > 0 && waitMs > 1) await sleep(waitMs, undefined, { ref: false });
      // only a look that finds nothing makes it safe to take new messages without a look
      if (found > 0) this.waker.woken = true;
      else await this.waker.pause(this.holdDueAt - now());
    }
  }

  private async leaveAlone(): Promise<void> {
    await sleep(PAUSE_AFTER_FAILURE_MS, undefined, { ref: false });
    this.failing = false;
    this.waker.woken = true;
  }

  private async lookSafely(): Promise<number> {
    this.waker.woken = false;
    const look = this.openLook();
    try {
      const found = await this.look(look);
      this.complained = false;
      return found;
    } catch (error) {
      if (!this.complained && !this.stopped)
        this.logger.warn(
          `${this.context.module}: the inbox cannot be read for now: ${error instanceof Error ? error.message : String(error)}`,
        );
      this.complained = true;
      this.fail();
      return 0;
    } finally {
      this.closeLook(look);
    }
  }

  private async look(look: number): Promise<number> {
    const missed = new Map(this.workers.map((worker) => [worker, worker.missed]));
    const wanted = new Map(this.workers.map((worker) => [worker, worker.wanted(this.everywhere)]));
    this.everywhere = false;
    const held = queryOf(this.workers, (worker) => worker.group.held);
    if (held.consumers.length === 0) return 0;
    const ready = queryOf(this.workers, (worker) => wanted.get(worker) as readonly number[]);
    const found = await this.context.deliveries.look(ready, held, inMemoryOf(this.workers), LOOK_ROWS_MAX);
    for (const worker of this.workers) {
      const own = found.filter((one) => one.consumer === worker.consumer.name);
      const rest = new Set(own.filter(({ state }) => state !== 'due').map(({ partition }) => partition));
      await this.receive(worker, own, look);
      if (worker.missed !== missed.get(worker) || !this.membership.isAlone) continue;
      for (const part of wanted.get(worker) ?? [])
        if (!rest.has(part) && worker.group.held.has(part)) worker.complete.add(part);
    }
    return found.length;
  }

  private async receive(worker: ConsumerWorker, found: readonly Found[], look: number): Promise<void> {
    const { consumer, backlog } = worker;
    const { held, over } = worker.receive(found, look);
    if (held.size > 0) worker.failed();
    if (held.size > 0) await this.context.deliveries.park(consumer.name, [...new Set(held.values())], [...held.keys()]);
    for (const key of over) if (!backlog.has(key)) await this.context.deliveries.release(consumer.name, key);
    if (over.size > 0) worker.complete.clear();
    if (held.size + over.size > 0) this.waker.woken = true;
  }

  /** Starts handlers for waiting keys, as many as may run. */
  private dispatch(): void {
    for (const worker of this.workers) {
      while (!this.stopped && worker.backlog.hasWaiting && this.mayStart(worker)) {
        const work = this.handle(worker).catch((error: unknown) =>
          this.logger.error(`${this.context.module}: ${String(error)}`),
        );
        this.working.add(work);
        void work.finally(() => {
          this.working.delete(work);
          if (this.stopped) void worker.group.letGo();
          if (!worker.isComplete) this.waker.wake();
          this.dispatch();
        });
      }
    }
  }

  private mayStart(worker: ConsumerWorker): boolean {
    if (!worker.isOwn && this.batches >= BATCHES_AT_ONCE) return false;
    const waitMs = worker.startsInMs();
    if (waitMs <= 0) return true;
    if (waitMs < Infinity) {
      this.joinTimer ??= setTimeout(() => {
        this.joinTimer = undefined;
        this.dispatch();
      }, waitMs).unref();
    }
    return false;
  }

  private handle(worker: ConsumerWorker): Promise<void> {
    const queue = worker.backlog.take() as KeyQueue;
    return worker.isOwn ? this.handleOwn(worker, queue) : this.handleBatch(worker, queue);
  }

  /**
   * Runs a handler with the first message of a key. A message that crashes its process again and again is put aside
   * instead. `run` returns whether it settled the message.
   */
  private async carefully(worker: ConsumerWorker, queue: KeyQueue, run: () => Promise<boolean>): Promise<void> {
    const [delivery] = queue.deliveries;
    if (!delivery) return void (await run());
    const turn = await this.careful.turnOf(delivery, () => queue.deliveries[0] === delivery);
    if (!turn) return this.giveBack(worker, queue, false);
    let isSettled = true;
    try {
      if (turn.deaths === undefined) return void (isSettled = await run());
      worker.backlog.next(queue);
      await this.recordFailure(worker, this.context.failurePolicy.deadly(worker.consumer, delivery, turn.deaths));
      this.ended(worker, delivery, true);
      worker.drop(queue, this.looks, 'held');
    } finally {
      await turn.end(isSettled);
    }
  }

  /** Handles messages that share a transaction, beginning with those of a key. */
  private async handleBatch(worker: ConsumerWorker, first: KeyQueue): Promise<void> {
    this.batches += 1;
    worker.working += 1;
    worker.batchAt = now();
    try {
      if (this.careful.isOn) await this.carefully(worker, first, () => this.runBatch(worker, first, 1));
      else await this.runBatch(worker, first, BATCH_MAX);
    } finally {
      this.batches -= 1;
      worker.working -= 1;
    }
  }

  private async runBatch(worker: ConsumerWorker, first: KeyQueue, most: number): Promise<boolean> {
    const batch = new Batch(this.context, worker.consumer, {
      backlog: worker.backlog,
      first,
      replica: this.membership.replica,
      most,
    });
    try {
      await batch.run();
      const failed = new Set(batch.failures.map((failure) => failure.delivery));
      for (const delivery of batch.taken) this.settled(worker, delivery, !failed.has(delivery));
      for (const queue of batch.queues) this.giveBack(worker, queue, batch.failed.has(queue));
      for (const failure of batch.failures) this.holds(worker, failure);
      return true;
    } catch (error) {
      await this.undone(worker, batch, error);
      for (const delivery of batch.taken) this.ended(worker, delivery, false);
      for (const queue of batch.queues) worker.drop(queue, this.looks, 'dropped');
      return false;
    }
  }

  /** Handles one message whose handler opens its own transactions; marks it as handled afterwards. */
  private async handleOwn(worker: ConsumerWorker, queue: KeyQueue): Promise<void> {
    worker.working += 1;
    try {
      const run = async (): Promise<boolean> => {
        const delivery = worker.backlog.next(queue);
        if (delivery) return this.handleAlone(worker, queue, delivery);
        this.giveBack(worker, queue, false);
        return false;
      };
      await (this.careful.isOn ? this.carefully(worker, queue, run) : run());
    } finally {
      worker.working -= 1;
    }
  }

  private async handleAlone(worker: ConsumerWorker, queue: KeyQueue, delivery: Delivery): Promise<boolean> {
    const { consumer } = worker;
    const { deliveries, failurePolicy, module, attempts, contexts } = this.context;
    const counts = this.context.counts.of(consumer.name);
    // the id at the beginning: a part that is let go of in the meantime stays with this replica until the handler ends
    const { replica } = this.membership;
    try {
      const attempt = new Attempt(module, consumer, delivery.message, contexts, this.context.tracing);
      attempts.set(attempt, delivery);
      const startedAt = now();
      const outcome = await attempt.run().finally(() => attempts.delete(attempt));
      counts.durations.record(now() - startedAt, attempt.spanTrace);
      if (!outcome.ok && outcome.error instanceof MembershipLost) throw outcome.error;
      afterHandle(module);
      const failure = outcome.ok ? undefined : await failurePolicy.failed(consumer, delivery, outcome.error);
      // each is one statement, and so a transaction of its own
      await deliveries.settle(consumer.name, failure ? [] : [delivery], failure ? [failure] : [], replica);
      counts.settled(failure);
      afterHandled(module);
      this.settled(worker, delivery, outcome.ok);
      this.giveBack(worker, queue, failure !== undefined);
      if (failure) this.holds(worker, failure);
      return true;
    } catch (error) {
      this.logger.warn(
        `${module}: ${consumer.name} could not note what became of ${delivery.message.id}, which it will handle again: ${error instanceof Error ? error.message : String(error)}`,
      );
      this.ended(worker, delivery, false);
      worker.drop(queue, this.looks, 'dropped');
      this.fail();
      return false;
    }
  }

  private giveBack(worker: ConsumerWorker, queue: KeyQueue, isHeld: boolean): void {
    if (isHeld) return worker.drop(queue, this.looks, 'held');
    worker.backlog.give(queue, this.looks);
    // there may be more messages behind its hold, or none any more
    if (queue.held && !worker.backlog.has(queue.key)) this.expectHold(0);
  }

  /**
   * A transaction was rolled back: its messages are retried, each in its own. A message that was alone in it has
   * failed.
   */
  private async undone(worker: ConsumerWorker, { taken }: Batch, error: unknown): Promise<void> {
    const { failurePolicy } = this.context;
    const [only] = taken;
    this.fail();
    if (error instanceof MembershipLost || only === undefined) return;
    if (taken.length > 1) {
      for (const delivery of taken) failurePolicy.suspect(delivery);
      return;
    }
    if (!failurePolicy.counts(only, error)) return;
    await this.recordFailure(worker, failurePolicy.counted(worker.consumer, only, error));
  }

  private async recordFailure(worker: ConsumerWorker, failure: FailedDelivery): Promise<void> {
    try {
      await new Batch(this.context, worker.consumer, {
        backlog: worker.backlog,
        replica: this.membership.replica,
      }).recordFailure(failure);
      this.holds(worker, failure);
    } catch (unwritten) {
      this.logger.warn(
        `${this.context.module}: a failed try of ${failure.delivery.message.id} could not be written down: ${unwritten instanceof Error ? unwritten.message : String(unwritten)}`,
      );
    }
  }

  private settled(worker: ConsumerWorker, delivery: Delivery, forget: boolean): void {
    this.ended(worker, delivery, forget);
    delivery.handOver?.settled(delivery.message, worker);
  }

  private ended({ backlog }: ConsumerWorker, delivery: Delivery, forget: boolean): void {
    backlog.done(delivery);
    if (forget) this.context.failurePolicy.clear(delivery);
  }

  private onAssignment(worker: ConsumerWorker): void {
    const { consumer, group } = worker;
    worker.leaveOut(this.looks);
    this.context.failurePolicy.keep(consumer.name, (part) => group.keeps(part));
    for (const [attempt, delivery] of this.context.attempts) {
      if (delivery.consumer === consumer.name && !group.keeps(delivery.partition))
        attempt.giveUp(new MembershipLost(group.group));
    }
    this.waker.wake();
  }
}

import type { LoggerService } from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import { currentContext, now } from '../../boundary/index.js';
import {
  backendOf,
  cancelQuery,
  IDLE_IN_TRANSACTION_TIMEOUT_MS,
  leaveParts,
  type ModuleDataSource,
  type TransactionPart,
} from '../../data/index.js';
import { Attempt, type AttemptOutcome } from './attempt.js';
import type { Backlog, KeyQueue } from './backlog.js';
import type { DurableConsumer } from '../consumers/consumer.js';
import type { Deliveries, Delivery, FailedDelivery } from '../inbox/deliveries.js';
import { HandlerTimeout, MembershipLost, StatementSwallowed } from '../consumers/delivery-errors.js';
import type { FailurePolicy } from './failure-policy.js';

/** Messages that one transaction handles at the most: PostgreSQL keeps 64 savepoints of a transaction at hand. */
export const BATCH_MAX = 50;
/**
 * A transaction takes no further message after this time, in milliseconds, so that quick handlers share a commit and
 * slow ones do not.
 */
export const BATCH_BUDGET_MS = 25;
/** What a transaction may be without a statement beyond the time of one handler, in milliseconds. */
const IDLE_SPARE_MS = 10_000;
/** How long a query is waited for that was told to end, before its connection is cut. */
const CANCEL_WAIT_MS = 5_000;

/** What all workers of a module share. */
export interface HandlerContext {
  readonly module: string;
  readonly source: ModuleDataSource;
  readonly deliveries: Deliveries;
  readonly failurePolicy: FailurePolicy;
  readonly logger: LoggerService;
  /** Attempts under way, to be given up when their partition is lost. */
  readonly attempts: Map<Attempt, Delivery>;
  readonly checkpoints: {
    readonly afterHandle: (delivery: Delivery) => void;
    readonly afterHandled: (deliveries: readonly Delivery[]) => void;
  };
  isStopping(): boolean;
}

/** What a batch takes. */
export interface BatchScope {
  readonly backlog: Backlog;
  /** The key that it begins with, taken already. */
  readonly first?: KeyQueue;
  /** As which this replica works. */
  readonly replica: string;
  /** Messages at the most; default `BATCH_MAX`. */
  readonly most?: number;
}

/**
 * Handles messages of several keys in one transaction, each behind a savepoint: one that fails is undone alone, and
 * never runs another again. What became of each is written down in the same transaction.
 */
export class Batch {
  /** Keys that were taken. */
  readonly queues: KeyQueue[] = [];
  /** Keys whose last message failed: nothing more of them is handled. */
  readonly failed = new Set<KeyQueue>();
  /** All messages that were taken. */
  readonly taken: Delivery[] = [];
  private readonly done: Delivery[] = [];
  /** What failed and was written down. */
  readonly failures: FailedDelivery[] = [];
  private follows = false;

  constructor(
    private readonly context: HandlerContext,
    private readonly consumer: DurableConsumer,
    private readonly scope: BatchScope,
  ) {
    // also one whose transaction never begins gives it back
    if (scope.first) this.queues.push(scope.first);
  }

  /** Takes and handles what waits. Resolves after the commit; rejects when nothing of it came about. */
  async run(): Promise<void> {
    const { source, deliveries, checkpoints } = this.context;
    await source.transaction(async () => {
      if (this.consumer.rules.timeoutMs + IDLE_SPARE_MS > IDLE_IN_TRANSACTION_TIMEOUT_MS)
        await deliveries.mayIdle(this.consumer.rules.timeoutMs + IDLE_SPARE_MS);
      const startedAt = now();
      for (let delivery = this.next(); delivery; delivery = this.mayGoOn(startedAt) ? this.next() : undefined)
        await this.handle(delivery);
      await deliveries.settle(this.consumer.name, this.done, this.failures, this.scope.replica);
      await leaveParts(source.ambientRunner as QueryRunner);
    });
    checkpoints.afterHandled(this.taken);
  }

  /** Writes down a message that failed by itself, in a transaction of its own, and tells of it if it is dead. */
  async recordFailure(failure: FailedDelivery): Promise<void> {
    const { source, deliveries } = this.context;
    await source.transaction(async () => {
      if (failure.waitMs === undefined) await this.notifyDeadLetter(failure);
      await deliveries.settle(this.consumer.name, [], [failure], this.scope.replica);
      await leaveParts(source.ambientRunner as QueryRunner);
    });
  }

  private mayGoOn(startedAt: number): boolean {
    if (
      this.context.isStopping() ||
      this.taken.length >= (this.scope.most ?? BATCH_MAX) ||
      now() - startedAt > BATCH_BUDGET_MS
    )
      return false;
    return !this.context.failurePolicy.isSuspect(this.taken.at(-1) as Delivery);
  }

  /**
   * The next message of the key at hand, or of the next one that waits. One that is under suspicion has a transaction
   * of its own.
   */
  private next(): Delivery | undefined {
    let queue = this.queues.at(-1);
    if (!queue || this.failed.has(queue) || queue.deliveries.length === 0) {
      queue = this.scope.backlog.take();
      if (!queue) return undefined;
      this.queues.push(queue);
    }
    const [first] = queue.deliveries;
    if (first && this.taken.length > 0 && this.context.failurePolicy.isSuspect(first)) return undefined;
    const delivery = this.scope.backlog.next(queue);
    if (delivery) this.taken.push(delivery);
    return delivery;
  }

  private async handle(delivery: Delivery): Promise<void> {
    const { source, checkpoints } = this.context;
    const { part, transaction } = source.openPart(this.follows);
    const attempt = new Attempt(this.context.module, this.consumer, delivery.message);
    attempt.transaction = transaction;
    const outcome = await this.try(attempt, delivery, part);
    this.follows ||= part.hasSavepoint;
    if (outcome.ok) {
      part.end();
      // what the handler left running is no part of it
      attempt.transaction = undefined;
      this.done.push(delivery);
      checkpoints.afterHandle(delivery);
      return;
    }
    await this.undo(part, outcome.error);
    if (outcome.error instanceof MembershipLost) throw outcome.error;
    await this.fail(delivery, outcome.error);
  }

  private async try(attempt: Attempt, delivery: Delivery, part: TransactionPart): Promise<AttemptOutcome> {
    this.context.attempts.set(attempt, delivery);
    try {
      const outcome = await attempt.run();
      return outcome.ok && (await part.isBroken())
        ? { ok: false, error: new StatementSwallowed(this.consumer.name) }
        : outcome;
    } finally {
      this.context.attempts.delete(attempt);
    }
  }

  private async fail(delivery: Delivery, error: unknown): Promise<void> {
    const failure = await this.context.failurePolicy.failed(this.consumer, delivery, error);
    this.failures.push(failure);
    this.failed.add(this.queues.at(-1) as KeyQueue);
    if (failure.waitMs === undefined) await this.notifyDeadLetter(failure);
  }

  /** In a part of its own, so that it changes nothing when it fails. */
  private async notifyDeadLetter(failure: FailedDelivery): Promise<void> {
    const { source, failurePolicy } = this.context;
    if (!this.consumer.onDead) return;
    const { part, transaction } = source.openPart(this.follows);
    const attempt = new Attempt(
      this.context.module,
      failurePolicy.deadLetterHandler(this.consumer, failure),
      failure.delivery.message,
    );
    attempt.transaction = transaction;
    const outcome = await attempt.run();
    this.follows ||= part.hasSavepoint;
    if (outcome.ok && !(await part.isBroken())) return part.end();
    this.context.logger.error(
      `${this.context.module}: ${this.consumer.name} could not note that ${failure.delivery.message.id} is a dead letter: ${outcome.ok ? 'a statement failed' : String(outcome.error)}`,
    );
    await this.undo(part, outcome.ok ? undefined : outcome.error);
  }

  /** Undoes a part. A query that its handler still waits for is ended first. */
  private async undo(part: TransactionPart, error: unknown): Promise<void> {
    const undone = part.undo();
    // it may fail while the query is told to end, before anybody waits for it
    undone.catch(() => undefined);
    if (!part.isBusy || !(error instanceof HandlerTimeout || error instanceof MembershipLost)) return undone;
    const { source } = this.context;
    const runner = source.ambientRunner as QueryRunner;
    const context = currentContext();
    const cut = setTimeout(() => void cutOff(runner), CANCEL_WAIT_MS);
    cut.unref();
    try {
      // the cancelling connection is another one, and so no part of the transaction of this context
      await cancelQuery(() => source.plainRunner(), await backendOf(runner));
      await undone;
    } finally {
      clearTimeout(cut);
      if (context) context.cancelled = false;
    }
  }
}

/** Ends a connection that does not answer; PostgreSQL rolls back what was open on it. */
async function cutOff(runner: QueryRunner): Promise<void> {
  const connection = (await runner.connect()) as { readonly connection: { readonly stream: { destroy(): void } } };
  connection.connection.stream.destroy();
}

import type { LoggerService } from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import { type ContextReader, currentContext, now, type Tracing } from '../../boundary/index.js';
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
import type { MessageCounts } from '../signals/message-counts.js';

/** The most messages that one transaction handles: PostgreSQL caches only 64 savepoints of a transaction. */
export const BATCH_MAX = 50;
/**
 * A transaction takes no further message after this time, in milliseconds, so that fast handlers share a commit and
 * slow ones do not.
 */
export const BATCH_BUDGET_MS = 25;
/** How long a transaction may be idle beyond the time limit of one handler, in milliseconds. */
const IDLE_SPARE_MS = 10_000;
/** How long a cancelled query may take to end before its connection is cut, in milliseconds. */
const CANCEL_WAIT_MS = 5_000;

/** What all workers of a module share. */
export interface HandlerContext {
  readonly module: string;
  readonly source: ModuleDataSource;
  /** Reads the application's context, which comes with messages. */
  readonly contexts: ContextReader;
  readonly deliveries: Deliveries;
  readonly failurePolicy: FailurePolicy;
  readonly logger: LoggerService;
  /** Attempts in progress, to be aborted when their partition is lost. */
  readonly attempts: Map<Attempt, Delivery>;
  readonly checkpoints: {
    readonly afterHandle: (delivery: Delivery) => void;
    readonly afterHandled: (deliveries: readonly Delivery[]) => void;
  };
  readonly tracing: Tracing | undefined;
  readonly counts: MessageCounts;
  isStopping(): boolean;
}

/** What a batch handles. */
export interface BatchScope {
  readonly backlog: Backlog;
  /** The key to begin with, already taken. */
  readonly first?: KeyQueue;
  /** The id under which this replica works. */
  readonly replica: string;
  /** The most messages; default `BATCH_MAX`. */
  readonly most?: number;
}

/**
 * Handles messages of several keys in one transaction, each behind a savepoint: a failed one is rolled back alone,
 * without running another again. The results are recorded in the same transaction.
 */
export class Batch {
  /** Keys that were taken. */
  readonly queues: KeyQueue[] = [];
  /** Keys whose last message failed: no more of their messages are handled. */
  readonly failed = new Set<KeyQueue>();
  /** All messages that were taken. */
  readonly taken: Delivery[] = [];
  private readonly done: Delivery[] = [];
  /** Failures that were recorded. */
  readonly failures: FailedDelivery[] = [];
  private follows = false;

  constructor(
    private readonly context: HandlerContext,
    private readonly consumer: DurableConsumer,
    private readonly scope: BatchScope,
  ) {
    // now, so that the key is returned even if the transaction never begins
    if (scope.first) this.queues.push(scope.first);
  }

  /** Takes and handles waiting messages. Resolves after the commit; rejects when everything was rolled back. */
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
    const counts = this.context.counts.of(this.consumer.name);
    counts.outcomes.handled += this.done.length;
    for (const failure of this.failures) counts.settled(failure);
    checkpoints.afterHandled(this.taken);
  }

  /**
   * Records a message that failed outside a batch, in a transaction of its own, and calls `onDead` if it is a dead
   * letter.
   */
  async recordFailure(failure: FailedDelivery): Promise<void> {
    const { source, deliveries } = this.context;
    await source.transaction(async () => {
      if (failure.waitMs === undefined) await this.notifyDeadLetter(failure);
      await deliveries.settle(this.consumer.name, [], [failure], this.scope.replica);
      await leaveParts(source.ambientRunner as QueryRunner);
    });
    this.context.counts.of(this.consumer.name).settled(failure);
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

  /** The next message of the current key, or of the next waiting one. A suspect has a transaction of its own. */
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
    const { module, contexts, tracing } = this.context;
    const attempt = new Attempt(module, this.consumer, delivery.message, contexts, tracing);
    attempt.transaction = transaction;
    const startedAt = now();
    const outcome = await this.try(attempt, delivery, part);
    this.context.counts.of(this.consumer.name).durations.record(now() - startedAt, attempt.spanTrace);
    this.follows ||= part.hasSavepoint;
    if (outcome.ok) {
      part.end();
      // what the handler left running must not join the transaction
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

  /** In its own part of the transaction, so that a failure changes nothing. */
  private async notifyDeadLetter(failure: FailedDelivery): Promise<void> {
    const { source, failurePolicy } = this.context;
    if (!this.consumer.onDead) return;
    const { part, transaction } = source.openPart(this.follows);
    const attempt = new Attempt(
      this.context.module,
      failurePolicy.deadLetterHandler(this.consumer, failure),
      failure.delivery.message,
      tolerant(this.context.contexts),
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

  /** Rolls back a part. First cancels a query that its handler still waits for. */
  private async undo(part: TransactionPart, error: unknown): Promise<void> {
    const undone = part.undo();
    // it may reject while the query is being cancelled, before anybody awaits it
    undone.catch(() => undefined);
    if (!part.isBusy || !(error instanceof HandlerTimeout || error instanceof MembershipLost)) return undone;
    const { source } = this.context;
    const runner = source.ambientRunner as QueryRunner;
    const context = currentContext();
    const cut = setTimeout(() => void cutOff(runner), CANCEL_WAIT_MS);
    cut.unref();
    try {
      // cancelling uses another connection, which must not join the transaction of this context
      await cancelQuery(() => source.plainRunner(), await backendOf(runner));
      await undone;
    } finally {
      clearTimeout(cut);
      if (context) context.cancelled = false;
    }
  }
}

/** Closes a connection that does not respond; PostgreSQL rolls back its open transaction. */
async function cutOff(runner: QueryRunner): Promise<void> {
  const connection = (await runner.connect()) as { readonly connection: { readonly stream: { destroy(): void } } };
  connection.connection.stream.destroy();
}

/**
 * A reader that ignores an invalid context, for the records of a message that may have failed because of its context.
 */
function tolerant(contexts: ContextReader): Pick<ContextReader, 'read'> {
  return {
    read: (message, text) => {
      try {
        return contexts.read(message, text);
      } catch {
        return undefined;
      }
    },
  };
}

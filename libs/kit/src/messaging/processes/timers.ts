import { Logger } from '@nestjs/common';
import { now } from '../../boundary/index.js';
import type { Assignment, Membership } from '../replicas/membership.js';
import type { Sql } from '../storage/sql.js';
import { MOVE_MAX, ProcessStore } from './process-store.js';

const PAUSE_AFTER_FAILURE_MS = 500;
const SOONEST_MS = 5;
/** How long a commit takes, and how often and how soon it is looked again for one that takes longer. */
const COMMIT_MS = 5;
const RETRIES = 3;
const RETRY_MS = 100;
/** The longest that one waits: a beat says earlier if a timer is due. */
const WAIT_MAX_MS = 3_600_000;

/** What moves a module's timers. */
export interface TimersOptions {
  readonly module: string;
  readonly sql: Sql;
  readonly membership: Membership;
  /** Called when timers were moved into the inbox. */
  readonly onMoved: () => void;
}

/**
 * Moves a module's timers that are due into its inbox, from where they are handled as events are: retried, held, put
 * aside. One replica at a time looks; which one is of no matter, since moving twice changes nothing. It looks when the
 * next timer is due: a run that sets one says so (`expect`), other replicas tell of theirs, and each beat says when the
 * first one is due.
 */
export class Timers {
  private readonly logger = new Logger('timers');
  private readonly store: ProcessStore;
  private readonly group: Assignment;
  private timer: NodeJS.Timeout | undefined;
  private dueAt = Infinity;
  private retries = 0;
  private looking: Promise<void> | undefined;
  private started = false;
  private stopped = false;
  private failing = false;

  constructor(private readonly options: TimersOptions) {
    const { membership } = options;
    this.store = new ProcessStore(options.sql);
    this.group = membership.join('timers', 1);
    this.group.onChange(() => this.wake(0));
    membership.onTold('timers', () => {
      this.retries = RETRIES;
      this.wake(0);
    });
    membership.onClockStep(async ({ byMs, sinceMs }) => {
      if (!this.group.held.has(0)) return;
      await this.store.followClock(byMs, sinceMs);
      options.onMoved();
      this.wake(0);
    });
    membership.onSigns(({ timerInMs }) => timerInMs !== null && this.wake(timerInMs));
  }

  start(): void {
    this.started = true;
    this.wake(0);
  }

  /** A run of this process sets a timer, and is about to commit it. */
  expect(inMs: number): void {
    this.retries = RETRIES;
    if (this.group.held.has(0)) this.wake(inMs + COMMIT_MS);
    else setTimeout(() => this.options.membership.tell('timers'), COMMIT_MS).unref();
  }

  /** Looks no more, and lets another replica; resolves when the look in hand has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looking;
    await this.group.leave();
  }

  /** Looks in that time at the latest. */
  private wake(inMs: number): void {
    if (!this.started || this.stopped || !this.group.held.has(0)) return;
    const at = now() + Math.max(inMs, 0);
    if (at >= this.dueAt) return;
    this.dueAt = at;
    if (this.looking) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lookNow(), Math.min(Math.max(inMs, 0), WAIT_MAX_MS)).unref();
  }

  private lookNow(): void {
    if (this.stopped || this.looking || !this.group.held.has(0)) return;
    clearTimeout(this.timer);
    // what is expected from now on may be later than this look
    this.dueAt = Infinity;
    this.looking = this.look()
      .catch((error: unknown) => this.complain(error))
      .then((waitMs) => {
        this.looking = undefined;
        const expected = this.dueAt - now();
        this.dueAt = Infinity;
        this.wake(Math.min(waitMs, expected));
      });
  }

  private async look(): Promise<number> {
    const { moved, nextInMs } = await this.store.moveDue(this.options.module, this.options.membership.expectedClockMs);
    this.failing = false;
    if (moved > 0) this.options.onMoved();
    if (moved === MOVE_MAX) return 0;
    // the commit that was expected may be late
    if (moved === 0 && this.retries-- > 0) return Math.min(Math.max(nextInMs ?? WAIT_MAX_MS, SOONEST_MS), RETRY_MS);
    return Math.max(nextInMs ?? WAIT_MAX_MS, SOONEST_MS);
  }

  /** Once for each time that the database is away. */
  private complain(error: unknown): number {
    if (!this.failing && !this.stopped)
      this.logger.warn(
        `timers of ${this.options.module} cannot be looked at: ${error instanceof Error ? error.message : String(error)}`,
      );
    this.failing = true;
    // some may have been moved all the same
    this.options.onMoved();
    return PAUSE_AFTER_FAILURE_MS;
  }
}

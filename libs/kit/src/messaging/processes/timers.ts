import { Logger } from '@nestjs/common';
import { now, runDetached } from '../../boundary/index.js';
import type { Assignment, Membership } from '../replicas/membership.js';
import type { Sql } from '../storage/sql.js';
import { MOVE_MAX, ProcessStore } from './process-store.js';

const PAUSE_AFTER_FAILURE_MS = 500;
const SOONEST_MS = 5;
/** How long a commit usually takes, and how often and how soon to look again for a slower one. */
const COMMIT_MS = 5;
const RETRIES = 3;
const RETRY_MS = 100;
/** The longest wait: a heartbeat reports earlier if a timer is due. */
const WAIT_MAX_MS = 3_600_000;

/** What moving a module's timers needs. */
export interface TimersOptions {
  readonly module: string;
  readonly sql: Sql;
  readonly membership: Membership;
  /** Called when timers were moved into the inbox. */
  readonly onMoved: () => void;
}

/**
 * Moves a module's due timers into its inbox, where they are handled like events: retried, held, made dead letters. One
 * replica at a time looks; it does not matter which, since moving twice changes nothing. It looks when the next timer
 * is due: a run that sets one reports it (`expect`), other replicas notify this one of theirs, and each heartbeat
 * reports when the first one is due.
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

  /** A run of this process has set a timer, and is about to commit it. */
  expect(inMs: number): void {
    this.retries = RETRIES;
    runDetached(() => {
      if (this.group.held.has(0)) this.wake(inMs + COMMIT_MS);
      else setTimeout(() => this.options.membership.tell('timers'), COMMIT_MS).unref();
    });
  }

  /** Stops looking, and lets another replica do it; resolves when the current look has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looking;
    await this.group.leave();
  }

  /** Looks within that time. */
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
    // a timer expected from now on may be later than this look
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
    // the expected commit may be late
    if (moved === 0 && this.retries-- > 0) return Math.min(Math.max(nextInMs ?? WAIT_MAX_MS, SOONEST_MS), RETRY_MS);
    return Math.max(nextInMs ?? WAIT_MAX_MS, SOONEST_MS);
  }

  /** Logs once per outage of the database. */
  private complain(error: unknown): number {
    if (!this.failing && !this.stopped)
      this.logger.warn(
        `timers of ${this.options.module} cannot be looked at: ${error instanceof Error ? error.message : String(error)}`,
      );
    this.failing = true;
    // some may have been moved nevertheless
    this.options.onMoved();
    return PAUSE_AFTER_FAILURE_MS;
  }
}

import { Logger } from '@nestjs/common';
import type { LeaseGroup, Leases } from '../lease.js';
import type { Sql } from '../sql.js';
import { MOVE_MAX, ProcessStore } from './process-store.js';

/** How often timers are looked at, if none is known to be due before. One that a run sets for less may be called so much late. */
export const TIMERS_POLL_MS = 500;
const SOONEST_MS = 5;

/** What moves a module's timers. */
export interface TimersOptions {
  readonly module: string;
  readonly sql: Sql;
  readonly leases: Leases;
  /** Called when timers were moved into the inbox. */
  readonly onMoved: () => void;
}

/**
 * Moves a module's timers that are due into its inbox, from where they are handled as events are: retried, held, put aside. One replica
 * at a time looks; which one is of no matter, since moving twice changes nothing.
 */
export class Timers {
  private readonly logger = new Logger('timers');
  private readonly store: ProcessStore;
  private readonly group: LeaseGroup;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private stopped = false;
  private failing = false;

  constructor(private readonly options: TimersOptions) {
    this.store = new ProcessStore(options.sql);
    this.group = options.leases.join('timers', 1);
    this.group.onChange(() => this.lookNow());
  }

  start(): void {
    this.lookNow();
  }

  /** Looks no more, and lets another replica; resolves when the look in hand has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looking;
    // a database that is away lets the lease expire by itself
    await this.group.leave().catch((error: unknown) => this.complain(error));
  }

  private lookNow(): void {
    if (this.stopped || this.looking || !this.group.held.has(0)) return;
    clearTimeout(this.timer);
    this.looking = this.look()
      .catch((error: unknown) => this.complain(error))
      .then((waitMs) => {
        this.looking = undefined;
        if (!this.stopped) this.timer = setTimeout(() => this.lookNow(), waitMs).unref();
      });
  }

  private async look(): Promise<number> {
    const { moved, nextInMs } = await this.store.moveDue(this.options.module);
    this.failing = false;
    if (moved > 0) this.options.onMoved();
    if (moved === MOVE_MAX) return 0;
    return Math.min(Math.max(nextInMs ?? TIMERS_POLL_MS, SOONEST_MS), TIMERS_POLL_MS);
  }

  /** Once for each time that the database is away. */
  private complain(error: unknown): number {
    if (!this.failing) this.logger.warn(`timers of ${this.options.module} can not be looked at: ${error instanceof Error ? error.message : String(error)}`);
    this.failing = true;
    return TIMERS_POLL_MS;
  }
}

import { Singleton } from '@fledge/kit';
import { Injectable, Logger } from '@nestjs/common';
import { EventBus } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { ReservationExpired } from '../../contract/index.js';
import { GivingBack } from '../release-stock/giving-back.js';
import { ReservationRepository } from '../storage/reservation.repository.js';

/** The most reservations that one round lets expire. */
const ROUND_MAX = 200;
/** A deviation of the clock beyond this, in milliseconds, means that it was set. */
const CLOCK_STEP_MIN_MS = 5_000;
/** For how long a round's observation of the clock is valid, in milliseconds. */
const SEEN_FOR_MS = 10_000;

/** Releases reservations that were held for too long. */
@Injectable()
export class Expiry {
  private readonly logger = new Logger(Expiry.name);
  /** The database's clock in the previous round, and when it was read. */
  private seen: { readonly clockMs: number; readonly at: number } | undefined;

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly reservations: ReservationRepository,
    private readonly givingBack: GivingBack,
    private readonly events: EventBus,
  ) {}

  /**
   * One round. Safe to run concurrently with itself, sales and releases: whoever locks the reservation first wins.
   * Returns the milliseconds until the next one is due, if there was nothing to do.
   */
  @Singleton('expire-reservations', { everyMs: 1_000, idleMs: 2_500, onCommit: false })
  async round(): Promise<number | undefined> {
    const nextInMs = await this.nextInMs();
    if (nextInMs > 0) return nextInMs;
    for (const orderId of await this.reservations.overdue(ROUND_MAX)) {
      try {
        await this.expire(orderId);
      } catch (error) {
        // One failure must not hold up the others; it is tried again in a later round.
        this.logger.error(
          `The reservation of order ${orderId} does not expire: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
    return undefined;
  }

  /** The milliseconds until stock is held for too long. A clock that was set since the round before expires nothing. */
  private async nextInMs(): Promise<number> {
    const { inMs, clockMs } = await this.reservations.next();
    const at = performance.now();
    // another replica may have followed the clock since an old observation
    const seen = this.seen && at - this.seen.at < SEEN_FOR_MS ? this.seen : undefined;
    const byMs = seen ? clockMs - seen.clockMs - (at - seen.at) : 0;
    if (Math.abs(byMs) >= CLOCK_STEP_MIN_MS) await this.reservations.followClock(byMs);
    this.seen = { clockMs, at };
    return Math.abs(byMs) >= CLOCK_STEP_MIN_MS ? (await this.reservations.next()).inMs : inMs;
  }

  /** One transaction each: several in one would lock products in no fixed order and could deadlock. */
  private async expire(orderId: string): Promise<void> {
    await this.dataSource.transaction(async () => {
      const reservation = await this.reservations.lock(orderId);
      // It was sold or released after it was found.
      if (reservation?.status !== 'held') return;
      await this.givingBack.giveBack(reservation);
      this.events.publish(new ReservationExpired({ orderId }));
    });
  }
}

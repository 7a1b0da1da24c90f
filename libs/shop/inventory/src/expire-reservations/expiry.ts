import { Singleton } from '@fledge/kit';
import { Injectable, Logger } from '@nestjs/common';
import { EventBus } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { ReservationExpired } from '../../contract/index.js';
import { GivingBack } from '../release-stock/giving-back.js';
import { ReservationRepository } from '../storage/reservation.repository.js';

/** Reservations that one round lets expire at most. */
const ROUND_MAX = 200;
/** By how much a clock must differ from what is expected for it to have been set, in milliseconds. */
const CLOCK_STEP_MIN_MS = 5_000;
/** For how long what a round has seen of the clock counts, in milliseconds. */
const SEEN_FOR_MS = 10_000;

/** Gives back what is reserved for too long. */
@Injectable()
export class Expiry {
  private readonly logger = new Logger(Expiry.name);
  /** The clock of the database at the round before, and when that was. */
  private seen: { readonly clockMs: number; readonly at: number } | undefined;

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly reservations: ReservationRepository,
    private readonly givingBack: GivingBack,
    private readonly events: EventBus,
  ) {}

  /**
   * One round. Safe to run twice at once, and beside sales and releases: whoever locks the reservation first decides.
   * Returns the milliseconds until there is more to do, if there was nothing.
   */
  @Singleton('expire-reservations', { everyMs: 1_000, idleMs: 2_500, onCommit: false })
  async round(): Promise<number | undefined> {
    const nextInMs = await this.nextInMs();
    if (nextInMs > 0) return nextInMs;
    for (const orderId of await this.reservations.overdue(ROUND_MAX)) {
      try {
        await this.expire(orderId);
      } catch (error) {
        // The others do not wait for this one, which is taken up again.
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
    // what was seen long ago, another replica may have followed since
    const seen = this.seen && at - this.seen.at < SEEN_FOR_MS ? this.seen : undefined;
    const byMs = seen ? clockMs - seen.clockMs - (at - seen.at) : 0;
    if (Math.abs(byMs) >= CLOCK_STEP_MIN_MS) await this.reservations.followClock(byMs);
    this.seen = { clockMs, at };
    return Math.abs(byMs) >= CLOCK_STEP_MIN_MS ? (await this.reservations.next()).inMs : inMs;
  }

  /** A transaction each: several in one would lock products in no order, and might wait in a circle. */
  private async expire(orderId: string): Promise<void> {
    await this.dataSource.transaction(async () => {
      const reservation = await this.reservations.lock(orderId);
      // It was sold or released since it was found.
      if (reservation?.status !== 'held') return;
      await this.givingBack.giveBack(reservation);
      this.events.publish(new ReservationExpired({ orderId }));
    });
  }
}

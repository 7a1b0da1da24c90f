import { Singleton } from '@fledge/kit';
import { Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ReleaseStock } from '@shop/inventory/contract';
import { OrderRepository } from '../storage/order.repository.js';

/** After so long in `cancelling` an order is taken up again. */
export const CANCELLING_MAX_MS = 5_000;
/** Orders taken up in one round at most. */
const ROUND_MAX = 50;

/**
 * Finishes orders that were given up: releases their stock, then notes that they are cancelled. Safe to repeat, and to
 * race.
 */
@Injectable()
export class Settlement {
  private readonly logger = new Logger(Settlement.name);

  constructor(
    private readonly commands: CommandBus,
    private readonly orders: OrderRepository,
  ) {}

  /** Finishes one order; answers whether it could. If inventory cannot be asked, a later round does. */
  async trySettle(orderId: string): Promise<boolean> {
    try {
      await this.commands.execute(new ReleaseStock({ orderId }));
    } catch (error) {
      this.logger.warn(
        `Order ${orderId} stays in cancelling for now: ${error instanceof Error ? error.message : String(error)}`,
      );
      return false;
    }
    await this.orders.move(orderId, 'cancelling', 'cancelled');
    return true;
  }

  /**
   * Takes up what was left behind: orders whose request was lost, and those whose stock could not be released at once.
   */
  @Singleton('settle-orders', { everyMs: 5_000 })
  async round(): Promise<void> {
    const now = Date.now();
    for (const orderId of await this.orders.leftBehind(new Date(now), ROUND_MAX)) {
      await this.orders.move(orderId, 'placing', 'cancelling', 'its request was lost');
    }
    for (const orderId of await this.orders.stuck('cancelling', new Date(now), CANCELLING_MAX_MS, ROUND_MAX)) {
      // Inventory is away: the rest would wait for it in vain, one deadline each.
      if (!(await this.trySettle(orderId))) return;
    }
  }
}

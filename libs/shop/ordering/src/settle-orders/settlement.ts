import { Singleton } from '@fledge/kit';
import { Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ReleaseStock } from '@shop/inventory/contract';
import { OrderRepository } from '../storage/order.repository.js';

/** An order is taken up again after this long in `cancelling`. */
export const CANCELLING_MAX_MS = 5_000;
/** The most orders taken up in one round. */
const ROUND_MAX = 50;

/**
 * Finishes cancelled orders: releases their stock, then marks them as cancelled. Safe to repeat and to run
 * concurrently.
 */
@Injectable()
export class Settlement {
  private readonly logger = new Logger(Settlement.name);

  constructor(
    private readonly commands: CommandBus,
    private readonly orders: OrderRepository,
  ) {}

  /** Finishes one order; returns whether it could. If inventory is unavailable, a later round does. */
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

  /** Takes up unfinished orders: those whose request was lost, and those whose stock could not be released at once. */
  @Singleton('settle-orders', { everyMs: 5_000 })
  async round(): Promise<void> {
    const now = Date.now();
    for (const orderId of await this.orders.leftBehind(new Date(now), ROUND_MAX)) {
      await this.orders.move(orderId, 'placing', 'cancelling', 'its request was lost');
    }
    for (const orderId of await this.orders.stuck('cancelling', new Date(now), CANCELLING_MAX_MS, ROUND_MAX)) {
      // Inventory is unavailable: each of the rest would only wait for its own deadline.
      if (!(await this.trySettle(orderId))) return;
    }
  }
}

import { Consumer } from '@fledge/kit';
import { EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { ReservationExpired } from '@shop/inventory/contract';
import { OrderRepository } from '../storage/order.repository.js';
import { RESERVATION_EXPIRED } from './checkout.process.js';

/** Cancels unpaid orders whose reservation expired. Orders with a payment are cancelled by their checkout. */
@Consumer('expired-orders', { attemptsMax: 12 })
@EventsHandler(ReservationExpired)
export class ExpiredOrders implements IEventHandler<ReservationExpired> {
  constructor(private readonly orders: OrderRepository) {}

  async handle({ orderId }: ReservationExpired): Promise<void> {
    const order = await this.orders.find(orderId);
    if (!order || order.paymentMethod !== undefined) return;
    // Its request or the settlement finishes that within seconds; the retry then looks at the result.
    if (order.state === 'placing') throw new Error(`order ${orderId} is still being placed`);
    if (await this.orders.move(orderId, 'placed', 'cancelling', RESERVATION_EXPIRED))
      await this.orders.move(orderId, 'cancelling', 'cancelled', RESERVATION_EXPIRED);
  }
}

import { currentCall } from '@fledge/kit';
import { CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import {
  CancelOrder,
  CancelRequested,
  OrderNotCancellable,
  OrderNotFound,
  type OrderView,
} from '../../contract/index.js';
import { mayAccess } from '../domain/order-access.js';
import type { Order } from '../domain/order.js';
import { viewOf } from '../get-order/view-of.js';
import { Settlement } from '../settle-orders/settlement.js';
import { OrderRepository } from '../storage/order.repository.js';

/** Cancels an order and releases its stock. */
@CommandHandler(CancelOrder)
export class CancelOrderHandler implements ICommandHandler<CancelOrder> {
  constructor(
    private readonly orders: OrderRepository,
    private readonly settlement: Settlement,
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly events: EventBus,
  ) {}

  async execute({ orderId, reason }: CancelOrder): Promise<OrderView> {
    if (!mayAccess(await this.get(orderId), currentCall()?.identity)) throw new OrderNotFound({ orderId });
    // First recorded, then released: in the other order, a crash in between would leave a placed order without stock.
    await this.note(orderId, reason);
    const order = await this.get(orderId);
    if (order.state === 'cancelling' && order.paymentMethod === undefined) {
      await this.settlement.trySettle(orderId);
      return viewOf(await this.get(orderId));
    }
    if (order.state !== 'cancelled' && order.state !== 'cancelling')
      throw new OrderNotCancellable({ orderId, state: order.state });
    return viewOf(order);
  }

  /**
   * Records that it is to be cancelled. An order that is being paid is left to its checkout, which is informed in the
   * same transaction.
   */
  private async note(orderId: string, reason: string): Promise<void> {
    await this.dataSource.transaction(async () => {
      const noted =
        (await this.orders.move(orderId, 'placed', 'cancelling', reason)) ??
        (await this.orders.move(orderId, 'confirmed', 'cancelling', reason));
      if (!noted) return;
      // the id as stored: a request may write a UUID in capitals, and the key of the checkout is a string
      const { id, paymentMethod } = await this.get(orderId);
      if (paymentMethod !== undefined) this.events.publish(new CancelRequested({ orderId: id, reason }));
    });
  }

  private async get(orderId: string): Promise<Order> {
    const order = await this.orders.find(orderId);
    if (!order) throw new OrderNotFound({ orderId });
    return order;
  }
}

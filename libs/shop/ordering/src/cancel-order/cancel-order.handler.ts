import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CancelOrder, OrderNotCancellable, OrderNotFound, type OrderView } from '../../contract/index.js';
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
  ) {}

  async execute({ orderId, reason }: CancelOrder): Promise<OrderView> {
    // First noted, then released: the other way round, a crash between would leave a placed order without stock.
    await this.orders.move(orderId, 'placed', 'cancelling', reason);
    const order = await this.get(orderId);
    if (order.state === 'cancelling') {
      await this.settlement.trySettle(orderId);
      return viewOf(await this.get(orderId));
    }
    if (order.state !== 'cancelled') throw new OrderNotCancellable({ orderId, state: order.state });
    return viewOf(order);
  }

  private async get(orderId: string): Promise<Order> {
    const order = await this.orders.find(orderId);
    if (!order) throw new OrderNotFound({ orderId });
    return order;
  }
}

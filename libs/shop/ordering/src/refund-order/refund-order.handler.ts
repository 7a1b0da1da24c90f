import { CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import {
  OrderNotFound,
  OrderNotRefundable,
  type OrderView,
  RefundOrder,
  RefundRequested,
} from '../../contract/index.js';
import { viewOf } from '../get-order/view-of.js';
import { OrderRepository } from '../storage/order.repository.js';

/** Records the refund of an order, and informs the refund process in the same transaction. */
@CommandHandler(RefundOrder)
export class RefundOrderHandler implements ICommandHandler<RefundOrder> {
  constructor(
    private readonly orders: OrderRepository,
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly events: EventBus,
  ) {}

  async execute({ orderId, reason, restock }: RefundOrder): Promise<OrderView> {
    const order = await this.dataSource.transaction(async () => {
      const noted = await this.orders.move(orderId, 'completed', 'refunding', reason);
      const found = await this.orders.find(orderId);
      // the id as stored: a request may write a UUID in capitals, and the key of the process is a string
      if (noted && found)
        this.events.publish(new RefundRequested({ orderId: found.id, userId: found.userId, reason, restock }));
      return found;
    });
    if (!order) throw new OrderNotFound({ orderId });
    if (order.state !== 'refunding' && order.state !== 'refunded')
      throw new OrderNotRefundable({ orderId, state: order.state });
    return viewOf(order);
  }
}

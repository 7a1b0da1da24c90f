import { currentCall } from '@fledge/kit';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { GetOrder, OrderNotFound, type OrderView } from '../../contract/index.js';
import { mayAccess } from '../domain/order-access.js';
import { OrderRepository } from '../storage/order.repository.js';
import { viewOf } from './view-of.js';

/** Returns an order. */
@QueryHandler(GetOrder)
export class GetOrderHandler implements IQueryHandler<GetOrder> {
  constructor(private readonly orders: OrderRepository) {}

  async execute({ orderId }: GetOrder): Promise<OrderView> {
    const order = await this.orders.find(orderId);
    if (!order || !mayAccess(order, currentCall()?.identity)) throw new OrderNotFound({ orderId });
    return viewOf(order);
  }
}

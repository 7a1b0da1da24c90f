import { type Fields, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';
import { OrderNotFound } from './errors.js';
import { OrderView } from './order.view.js';

/** Returns an order of the user's own; staff, any. Fails with `OrderNotFound`. */
@QueryContract('ordering.get-order.v1', { result: OrderView, errors: [OrderNotFound], deadlineMs: 2_000 })
export class GetOrder extends Query<OrderView> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<GetOrder>) {
    super();
    Object.assign(this, fields);
  }
}

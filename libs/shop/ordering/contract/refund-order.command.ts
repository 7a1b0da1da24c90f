import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsBoolean, IsString, IsUUID, Length } from 'class-validator';
import { OrderNotFound, OrderNotRefundable } from './errors.js';
import { OrderView } from './order.view.js';

/**
 * Returns all the money of a completed order. Safe to repeat: the first call counts. The order is `refunding` until the
 * provider has done it, which needs no further call; `OrderRefunded` reports it.
 */
@CommandContract('ordering.refund-order.v1', {
  result: OrderView,
  errors: [OrderNotFound, OrderNotRefundable],
  deadlineMs: 10_000,
  idempotent: true,
  access: { roles: ['staff'] },
})
export class RefundOrder extends Command<OrderView> {
  @IsUUID() readonly orderId!: string;
  /** Why: for a person. */
  @IsString() @Length(1, 500) readonly reason!: string;
  /** Whether the returned goods can be sold again. */
  @IsBoolean() readonly restock!: boolean;
  constructor(fields: Fields<RefundOrder>) {
    super();
    Object.assign(this, fields);
  }
}

import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsBoolean, IsString, IsUUID, Length } from 'class-validator';
import { OrderNotFound, OrderNotRefundable } from './errors.js';
import { OrderView } from './order.view.js';

/**
 * Gives the money of a completed order back, all of it. Safe to repeat: the first one counts. Until the provider has
 * done it the order is `refunding`; it is finished by itself, and told by `OrderRefunded`. Who may, is for the caller
 * to check.
 */
@CommandContract('ordering.refund-order.v1', {
  result: OrderView,
  errors: [OrderNotFound, OrderNotRefundable],
  deadlineMs: 10_000,
  idempotent: true,
})
export class RefundOrder extends Command<OrderView> {
  @IsUUID() readonly orderId!: string;
  /** Why: for a person. */
  @IsString() @Length(1, 500) readonly reason!: string;
  /** Whether what was sold can be sold again. */
  @IsBoolean() readonly restock!: boolean;
  constructor(fields: Fields<RefundOrder>) {
    super();
    Object.assign(this, fields);
  }
}

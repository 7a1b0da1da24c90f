import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsString, IsUUID, Length } from 'class-validator';
import { OrderNotCancellable, OrderNotFound } from './errors.js';
import { OrderView } from './order.view.js';

/**
 * Cancels an order that is not completed: its stock is released, and its money is returned. Safe to repeat. The order
 * is `cancelling` until that is done, which needs no further call. A user who may not see the order gets
 * `OrderNotFound`.
 */
@CommandContract('ordering.cancel-order.v1', {
  result: OrderView,
  errors: [OrderNotFound, OrderNotCancellable],
  deadlineMs: 10_000,
  idempotent: true,
})
export class CancelOrder extends Command<OrderView> {
  @IsUUID() readonly orderId!: string;
  /** Why: for a person. */
  @IsString() @Length(1, 500) readonly reason!: string;
  constructor(fields: Fields<CancelOrder>) {
    super();
    Object.assign(this, fields);
  }
}

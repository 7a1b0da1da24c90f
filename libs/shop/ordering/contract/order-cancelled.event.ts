import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID, Length } from 'class-validator';

/** An order was cancelled: its money was returned and its stock released. */
@EventContract('ordering.order-cancelled.v1', { key: 'orderId' })
export class OrderCancelled {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  /** For people. */
  @Length(1, 500) readonly reason!: string;
  constructor(fields: Fields<OrderCancelled>) {
    Object.assign(this, fields);
  }
}

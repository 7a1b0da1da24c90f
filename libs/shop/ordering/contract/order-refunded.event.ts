import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID, Length } from 'class-validator';

/** The money of a completed order was returned. */
@EventContract('ordering.order-refunded.v1', { key: 'orderId' })
export class OrderRefunded {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  /** For people. */
  @Length(1, 500) readonly reason!: string;
  constructor(fields: Fields<OrderRefunded>) {
    Object.assign(this, fields);
  }
}

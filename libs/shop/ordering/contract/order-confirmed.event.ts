import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsInt, IsUUID, Matches, Min } from 'class-validator';

/** An order is confirmed: its money is authorised and its stock is sold. */
@EventContract('ordering.order-confirmed.v1', { key: 'orderId' })
export class OrderConfirmed {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  /** Minor units of `currency`. */
  @IsInt() @Min(0) readonly totalMinor!: number;
  @Matches(/^[A-Z]{3}$/) readonly currency!: string;
  constructor(fields: Fields<OrderConfirmed>) {
    Object.assign(this, fields);
  }
}

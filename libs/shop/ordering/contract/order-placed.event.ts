import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsInt, IsUUID, Matches, Min } from 'class-validator';
import { PAYMENT_METHOD } from './payment-method.js';

/** An order with a payment method is placed: its stock is reserved. */
@EventContract('ordering.order-placed.v1', { key: 'orderId' })
export class OrderPlaced {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  /** Minor units of `currency`. */
  @IsInt() @Min(0) readonly totalMinor!: number;
  @Matches(/^[A-Z]{3}$/) readonly currency!: string;
  /** The payment method, as the payments module knows it. */
  @Matches(PAYMENT_METHOD) readonly paymentMethod!: string;
  constructor(fields: Fields<OrderPlaced>) {
    Object.assign(this, fields);
  }
}

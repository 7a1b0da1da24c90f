import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsString, IsUUID, MaxLength } from 'class-validator';
import { REASON_MAX } from './payment-method.js';

/** The provider does not authorise the money for an order, or the payment was cancelled before it began. */
@EventContract('payments.payment-declined.v1', { key: 'orderId' })
export class PaymentDeclined {
  @IsUUID() readonly orderId!: string;
  /** Why, for a person. */
  @IsString() @MaxLength(REASON_MAX) readonly reason!: string;
  constructor(fields: Fields<PaymentDeclined>) {
    Object.assign(this, fields);
  }
}

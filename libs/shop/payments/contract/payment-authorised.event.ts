import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsInt, IsUUID, Matches, Min } from 'class-validator';

/** The money for an order is authorised: it can be captured. */
@EventContract('payments.payment-authorised.v1', { key: 'orderId' })
export class PaymentAuthorised {
  @IsUUID() readonly orderId!: string;
  /** Minor units of `currency`. */
  @IsInt() @Min(0) readonly amountMinor!: number;
  /** ISO 4217. */
  @Matches(/^[A-Z]{3}$/) readonly currency!: string;
  constructor(fields: Fields<PaymentAuthorised>) {
    Object.assign(this, fields);
  }
}

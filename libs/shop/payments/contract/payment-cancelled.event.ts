import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsIn, IsUUID } from 'class-validator';

/** What had to be undone of a payment. */
export type CancelOutcome = 'nothing' | 'voided' | 'refunded';

/** The payment of an order is undone, for good. */
@EventContract('payments.payment-cancelled.v1', { key: 'orderId' })
export class PaymentCancelled {
  @IsUUID() readonly orderId!: string;
  /**
   * `nothing`: no money was authorised; `voided`: the authorisation was released; `refunded`: the captured money was
   * returned.
   */
  @IsIn(['nothing', 'voided', 'refunded']) readonly outcome!: CancelOutcome;
  constructor(fields: Fields<PaymentCancelled>) {
    Object.assign(this, fields);
  }
}

import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsIn, IsUUID } from 'class-validator';

/** What there was to undo of a payment. */
export type CancelOutcome = 'nothing' | 'voided' | 'refunded';

/** The payment of an order is undone, for good. */
@EventContract('payments.payment-cancelled.v1', { key: 'orderId' })
export class PaymentCancelled {
  @IsUUID() readonly orderId!: string;
  /**
   * `nothing`: no money was set aside; `voided`: what was set aside is free again; `refunded`: what was taken is given
   * back.
   */
  @IsIn(['nothing', 'voided', 'refunded']) readonly outcome!: CancelOutcome;
  constructor(fields: Fields<PaymentCancelled>) {
    Object.assign(this, fields);
  }
}

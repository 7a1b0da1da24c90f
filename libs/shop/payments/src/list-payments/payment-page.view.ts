import { ApiProperty } from '@fledge/kit/openapi';
import { PaymentResource } from '../get-payment/payment.view.js';

/** A page of payments. */
export class PaymentPage {
  @ApiProperty({ type: [PaymentResource] }) readonly items!: PaymentResource[];
  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next page; null on the last' })
  readonly nextCursor!: string | null;
}

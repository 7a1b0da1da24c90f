import { ContractError, ErrorContract, type Fields } from '@fledge/kit/contract';
import { IsString, IsUUID, MaxLength } from 'class-validator';

/** The order has no payment, or one that the caller may not see. */
@ErrorContract('payments.payment-not-found.v1', {
  kind: 'not-found',
  hint: 'Check the id of the order; its payment begins when it is placed.',
})
export class PaymentNotFound extends ContractError {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<PaymentNotFound>) {
    super(`there is no payment of order ${fields.orderId}`);
    Object.assign(this, fields);
  }
}

/** A webhook does not have the provider's signature, or an old one. Its content was not read. */
@ErrorContract('payments.webhook-refused.v1', {
  kind: 'unauthenticated',
  hint: 'Sign `<seconds since 1970>.<body>` with the secret of both sides (HMAC-SHA256), and send it as `payment-signature: t=<seconds>,v1=<hex>`.',
})
export class WebhookRefused extends ContractError {
  @IsString() @MaxLength(200) readonly why!: string;
  constructor(fields: Fields<WebhookRefused>) {
    super(`the webhook is refused: ${fields.why}`);
    Object.assign(this, fields);
  }
}

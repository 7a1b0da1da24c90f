import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsInt, IsString, IsUUID, Length, Matches, Max, Min } from 'class-validator';
import { PAYMENT_METHOD_MAX } from './payment-method.js';

/**
 * Lets the provider authorise money for an order. `PaymentAuthorised` or `PaymentDeclined` reports the result, once.
 * Safe to repeat: an order has one payment, which a different amount does not change.
 */
@CommandContract('payments.authorise-payment.v1', { deadlineMs: 30_000, idempotent: true })
export class AuthorisePayment extends Command<void> {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  /** Minor units of `currency`. */
  @IsInt() @Min(0) @Max(Number.MAX_SAFE_INTEGER) readonly amountMinor!: number;
  /** ISO 4217. */
  @Matches(/^[A-Z]{3}$/) readonly currency!: string;
  /** The provider's token for the buyer's card. */
  @IsString() @Length(1, PAYMENT_METHOD_MAX) readonly paymentMethod!: string;
  constructor(fields: Fields<AuthorisePayment>) {
    super();
    Object.assign(this, fields);
  }
}

import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsString, IsUUID, MaxLength } from 'class-validator';
import { REASON_MAX } from './payment-method.js';

/**
 * Undoes the payment of an order in any state: voids what is authorised, refunds what is captured, forbids what has not
 * begun. It then ends in `PaymentCancelled`, published once, or in `CancelFailed` if the provider refuses. The result
 * of a pending step is no longer published, and later requests are reported as declined or failed. Safe to repeat.
 */
@CommandContract('payments.cancel-payment.v1', { deadlineMs: 30_000, idempotent: true })
export class CancelPayment extends Command<void> {
  @IsUUID() readonly orderId!: string;
  /** Why, for a person. */
  @IsString() @MaxLength(REASON_MAX) readonly reason!: string;
  constructor(fields: Fields<CancelPayment>) {
    super();
    Object.assign(this, fields);
  }
}

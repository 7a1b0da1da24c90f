import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsString, IsUUID, MaxLength } from 'class-validator';
import { REASON_MAX } from './payment-method.js';

/**
 * Undoes the payment of an order, whatever has become of it: voids what is authorised, refunds what is captured,
 * forbids what has not begun. From then on it ends in `PaymentCancelled`, told once, or in `CancelFailed` when the
 * provider refuses; what was being asked for is not told any more, and what is asked for afterwards is told as declined
 * or failed. Safe to repeat.
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

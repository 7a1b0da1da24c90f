import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';

/**
 * Captures what was authorised for an order. `PaymentCaptured` or `CaptureFailed` reports the result, once. Safe to
 * repeat: an order is captured at most once, and only `RetryPayment` repeats a refused capture.
 */
@CommandContract('payments.capture-payment.v1', { deadlineMs: 30_000, idempotent: true })
export class CapturePayment extends Command<void> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<CapturePayment>) {
    super();
    Object.assign(this, fields);
  }
}

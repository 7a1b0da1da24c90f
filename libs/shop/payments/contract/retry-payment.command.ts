import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsInt, IsOptional, IsUUID, Min } from 'class-validator';

/**
 * Asks the provider once more for what it refused: to capture the money, to release it, or to return it. The result is
 * published as at the first time. If nothing is refused (any more), the last result of the payment is published again,
 * unless it is still open. Safe to repeat with `attempt`.
 */
@CommandContract('payments.retry-payment.v1', { deadlineMs: 30_000, idempotent: true })
export class RetryPayment extends Command<void> {
  @IsUUID() readonly orderId!: string;
  /**
   * The attempt that was refused, as `CaptureFailed` or `CancelFailed` has it: if it is not the last one, nothing
   * happens. Default: the last refused attempt.
   */
  @IsOptional() @IsInt() @Min(1) readonly attempt?: number;
  constructor(fields: Fields<RetryPayment>) {
    super();
    Object.assign(this, fields);
  }
}

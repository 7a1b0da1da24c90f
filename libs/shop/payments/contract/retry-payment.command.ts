import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsInt, IsOptional, IsUUID, Min } from 'class-validator';

/**
 * Asks the provider once more for what it refused: to take the money, to free it, or to give it back. Told as it would
 * have been at the first time. When nothing is refused (any more), what came of the payment is told again, unless that
 * is still open. Safe to repeat with `attempt`.
 */
@CommandContract('payments.retry-payment.v1', { deadlineMs: 30_000, idempotent: true })
export class RetryPayment extends Command<void> {
  @IsUUID() readonly orderId!: string;
  /**
   * The attempt that was refused, as `CaptureFailed` or `CancelFailed` has it: when it is not the last, nothing is
   * asked. Default: whichever was refused.
   */
  @IsOptional() @IsInt() @Min(1) readonly attempt?: number;
  constructor(fields: Fields<RetryPayment>) {
    super();
    Object.assign(this, fields);
  }
}

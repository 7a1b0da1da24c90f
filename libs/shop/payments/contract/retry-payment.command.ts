import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';

/**
 * Asks the provider once more for what it refused: to take the money, or to give it back. Told as it would have been at the first time.
 * Does nothing for a payment of which nothing was refused.
 */
@CommandContract('payments.retry-payment.v1', { deadlineMs: 30_000, idempotent: true })
export class RetryPayment extends Command<void> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<RetryPayment>) {
    super();
    Object.assign(this, fields);
  }
}

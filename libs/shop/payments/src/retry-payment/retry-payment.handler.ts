import { Consumer } from '@fledge/kit';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { RetryPayment } from '../../contract/index.js';
import { retry } from '../domain/payment.js';
import { Asking } from '../settle-payment/asking.js';
import { Payments } from '../settle-payment/payments.js';

/** Stores that a refused step is to be retried, then asks the provider. */
@Consumer({ transaction: 'own' })
@CommandHandler(RetryPayment)
export class RetryPaymentHandler implements ICommandHandler<RetryPayment> {
  constructor(
    private readonly payments: Payments,
    private readonly asking: Asking,
  ) {}

  async execute({ orderId, attempt }: RetryPayment): Promise<void> {
    await this.asking.goOn(await this.payments.change(orderId, (found) => found && retry(found, attempt)));
  }
}

import { Consumer } from '@fledge/kit';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CancelPayment } from '../../contract/index.js';
import { cancel } from '../domain/payment.js';
import { Asking } from '../settle-payment/asking.js';
import { Payments } from '../settle-payment/payments.js';

/** Stores that a payment is to be undone, then asks the provider; an unsettled earlier step comes first. */
@Consumer({ transaction: 'own' })
@CommandHandler(CancelPayment)
export class CancelPaymentHandler implements ICommandHandler<CancelPayment> {
  constructor(
    private readonly payments: Payments,
    private readonly asking: Asking,
  ) {}

  async execute({ orderId, reason }: CancelPayment): Promise<void> {
    await this.asking.goOn(await this.payments.change(orderId, (found) => cancel(found, orderId, reason)));
  }
}

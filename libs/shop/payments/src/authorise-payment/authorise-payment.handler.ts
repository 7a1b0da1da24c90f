import { Consumer } from '@fledge/kit';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { AuthorisePayment } from '../../contract/index.js';
import { authorise } from '../domain/payment.js';
import { Asking } from '../settle-payment/asking.js';
import { Payments } from '../settle-payment/payments.js';

/**
 * Stores that an order is to be paid, then asks the provider: so after a crash in between it is known what to ask for.
 */
@Consumer({ transaction: 'own' })
@CommandHandler(AuthorisePayment)
export class AuthorisePaymentHandler implements ICommandHandler<AuthorisePayment> {
  constructor(
    private readonly payments: Payments,
    private readonly asking: Asking,
  ) {}

  async execute(command: AuthorisePayment): Promise<void> {
    await this.asking.goOn(await this.payments.change(command.orderId, (found) => authorise(found, command)));
  }
}

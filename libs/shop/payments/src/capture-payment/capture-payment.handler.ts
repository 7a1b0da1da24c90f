import { Consumer } from '@fledge/kit';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CapturePayment } from '../../contract/index.js';
import { capture } from '../domain/payment.js';
import { Asking } from '../settle-payment/asking.js';
import { Payments } from '../settle-payment/payments.js';

/** Stores that the authorised money is to be captured, then asks the provider. */
@Consumer({ transaction: 'own' })
@CommandHandler(CapturePayment)
export class CapturePaymentHandler implements ICommandHandler<CapturePayment> {
  constructor(
    private readonly payments: Payments,
    private readonly asking: Asking,
  ) {}

  async execute({ orderId }: CapturePayment): Promise<void> {
    await this.asking.goOn(
      await this.payments.change(orderId, (found) => {
        const change = found ? capture(found) : 'wait';
        // It overtook its authorisation, and will be delivered again.
        if (change === 'wait') throw new Error(`the payment of order ${orderId} is not authorised yet`);
        return change;
      }),
    );
  }
}

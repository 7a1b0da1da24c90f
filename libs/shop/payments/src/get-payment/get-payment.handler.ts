import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { GetPayment, PaymentNotFound, type PaymentView } from '../../contract/index.js';
import { PaymentRepository } from '../storage/payment.repository.js';
import { viewOf } from './view-of.js';

/** Returns the payment of an order. */
@QueryHandler(GetPayment)
export class GetPaymentHandler implements IQueryHandler<GetPayment> {
  constructor(private readonly payments: PaymentRepository) {}

  async execute({ orderId }: GetPayment): Promise<PaymentView> {
    const record = await this.payments.record(orderId);
    if (!record) throw new PaymentNotFound({ orderId });
    return viewOf(record);
  }
}

import { type Fields, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';
import { PaymentNotFound } from './errors.js';
import { PaymentView } from './payment.view.js';

/** Returns the payment of an order. Fails with `PaymentNotFound`. */
@QueryContract('payments.get-payment.v1', { result: PaymentView, errors: [PaymentNotFound], deadlineMs: 2_000 })
export class GetPayment extends Query<PaymentView> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<GetPayment>) {
    super();
    Object.assign(this, fields);
  }
}

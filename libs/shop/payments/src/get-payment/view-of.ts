import { PaymentStepView, PaymentView } from '../../contract/index.js';
import type { PaymentRecord } from '../storage/payment.repository.js';

/** What other modules see of a payment. */
export function viewOf({ payment, createdAt, history }: PaymentRecord): PaymentView {
  const { orderId, state, userId, amountMinor, currency, paymentMethod, capturedMinor, refundedMinor } = payment;
  return new PaymentView({
    orderId,
    state,
    amountMinor,
    capturedMinor,
    refundedMinor,
    createdAt,
    ...(userId !== undefined && { userId }),
    ...(currency !== undefined && { currency }),
    ...(paymentMethod !== undefined && { paymentMethod }),
    history: history.map(
      (step) =>
        new PaymentStepView({
          state: step.state,
          at: step.at,
          ...(step.reason !== undefined && { reason: step.reason }),
        }),
    ),
  });
}

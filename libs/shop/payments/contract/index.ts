/**
 * What other modules may know of payments: authorising, capturing and cancelling the payment of an order, and the
 * resulting events.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';
import { AuthorisePayment } from './authorise-payment.command.js';
import { CancelFailed } from './cancel-failed.event.js';
import { CancelPayment } from './cancel-payment.command.js';
import { CaptureFailed } from './capture-failed.event.js';
import { CapturePayment } from './capture-payment.command.js';
import { GetPayment } from './get-payment.query.js';
import { PaymentAuthorised } from './payment-authorised.event.js';
import { PaymentCancelled } from './payment-cancelled.event.js';
import { PaymentCaptured } from './payment-captured.event.js';
import { PaymentDeclined } from './payment-declined.event.js';
import { RetryPayment } from './retry-payment.command.js';

export { AuthorisePayment } from './authorise-payment.command.js';
export { CancelFailed } from './cancel-failed.event.js';
export { CancelPayment } from './cancel-payment.command.js';
export { CaptureFailed } from './capture-failed.event.js';
export { CapturePayment } from './capture-payment.command.js';
export { PaymentNotFound, WebhookRefused } from './errors.js';
export { GetPayment } from './get-payment.query.js';
export { PaymentAuthorised } from './payment-authorised.event.js';
export { PaymentCancelled, type CancelOutcome } from './payment-cancelled.event.js';
export { PaymentCaptured } from './payment-captured.event.js';
export { PaymentDeclined } from './payment-declined.event.js';
export { PAYMENT_METHOD_MAX, REASON_MAX, TEST_PAYMENT_METHODS, type TestPaymentMethod } from './payment-method.js';
export { PAYMENT_STATES, type PaymentState } from './payment-state.js';
export { PaymentStepView, PaymentView } from './payment.view.js';
export { RetryPayment } from './retry-payment.command.js';

/** Payments: one for each order, and the ledger. */
export const PaymentsContract = defineContract({
  name: 'payments',
  commands: [AuthorisePayment, CapturePayment, CancelPayment, RetryPayment],
  queries: [GetPayment],
  events: [PaymentAuthorised, PaymentDeclined, PaymentCaptured, CaptureFailed, PaymentCancelled, CancelFailed],
  routes: ['/payments'],
  unknownFields: 'open',
  access: { identity: 'optional', callers: ['ordering'] },
});

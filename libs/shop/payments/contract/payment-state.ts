/**
 * The states of a payment. Those that end in -ing wait for the provider, those that end in -failed for a
 * `RetryPayment`; `forbidden`: cancelled before it had begun, so it never will.
 */
export const PAYMENT_STATES = [
  'authorising',
  'authorised',
  'declined',
  'capturing',
  'captured',
  'capture-failed',
  'voiding',
  'voided',
  'void-failed',
  'refunding',
  'refunded',
  'refund-failed',
  'forbidden',
] as const;

/** One of `PAYMENT_STATES`. */
export type PaymentState = (typeof PAYMENT_STATES)[number];

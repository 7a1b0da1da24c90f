/** The longest token of a payment method, in characters. */
export const PAYMENT_METHOD_MAX = 100;
/** The longest reason, in characters. */
export const REASON_MAX = 500;

/**
 * The cards of the sandbox provider. Each behaves as its name says, at every step: authorise, capture, void and refund.
 */
export const TEST_PAYMENT_METHODS = [
  'pm_card_approved',
  'pm_card_declined',
  'pm_card_insufficient_funds',
  'pm_card_slow',
  'pm_card_charged_timeout',
  'pm_card_error_then_success',
  'pm_card_late_webhook',
  'pm_card_duplicate_webhook',
] as const;

/** One of the sandbox provider's cards. */
export type TestPaymentMethod = (typeof TEST_PAYMENT_METHODS)[number];

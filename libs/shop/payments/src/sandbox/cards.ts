import type { TestPaymentMethod } from '../../contract/index.js';

/** How a card behaves, at each step. */
export interface Card {
  /** Why an authorisation is declined. */
  readonly declined?: string;
  /** Booked at once, answered late. */
  readonly slow?: boolean;
  /** Booked, but the first request never gets an answer. */
  readonly silent?: boolean;
  /** The first request gets an error, and nothing is booked. */
  readonly failsFirst?: boolean;
  /** Webhooks report the result later; the answer is only `pending`. */
  readonly webhooks?: number;
}

const CARDS: Readonly<Record<TestPaymentMethod, Card>> = {
  pm_card_approved: {},
  pm_card_declined: { declined: 'card_declined' },
  pm_card_insufficient_funds: { declined: 'insufficient_funds' },
  pm_card_slow: { slow: true },
  pm_card_charged_timeout: { silent: true },
  pm_card_error_then_success: { failsFirst: true },
  pm_card_late_webhook: { webhooks: 1 },
  pm_card_duplicate_webhook: { webhooks: 3 },
};

/** The card behind a token; an unknown one is declined. */
export function cardOf(paymentMethod: string): Card {
  return Object.hasOwn(CARDS, paymentMethod)
    ? CARDS[paymentMethod as TestPaymentMethod]
    : { declined: 'unknown_payment_method' };
}

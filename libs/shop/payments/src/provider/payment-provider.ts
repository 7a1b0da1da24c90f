import type { Answer } from '../domain/payment.js';

/** Money to authorise. */
export interface Authorisation {
  readonly orderId: string;
  readonly amountMinor: number;
  readonly currency: string;
  /** The provider's token for the buyer's card. */
  readonly paymentMethod: string;
}

/**
 * A payment provider. Each step has an idempotency key: asked again with it, the provider does nothing and repeats its
 * answer, so it is safe to ask again when there was none. Every method rejects with `ProviderUnavailable` if there is
 * no answer, which says nothing about what was done. What the provider refuses for good is `declined`.
 */
export interface PaymentProvider {
  /** Authorises money. */
  authorise(authorisation: Authorisation, idempotencyKey: string): Promise<Answer>;
  /** Captures everything that was authorised. */
  capture(reference: string, idempotencyKey: string): Promise<Answer>;
  /** Releases what was authorised. */
  void(reference: string, idempotencyKey: string): Promise<Answer>;
  /** Returns everything that was captured. */
  refund(reference: string, idempotencyKey: string): Promise<Answer>;
  /** The result of the step with this key; `undefined` if the provider has not done it (yet). */
  find(idempotencyKey: string): Promise<Answer | undefined>;
}

/** Injects the `PaymentProvider`. */
export const PAYMENT_PROVIDER = Symbol('payments:provider');

/** The provider gave no answer, or no valid one. The step may have been done. */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
}

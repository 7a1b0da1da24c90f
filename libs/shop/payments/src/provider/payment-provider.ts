import type { Answer } from '../domain/payment.js';

/** Money to be set aside. */
export interface Authorisation {
  readonly orderId: string;
  readonly amountMinor: number;
  readonly currency: string;
  /** The provider's token for the buyer's card. */
  readonly paymentMethod: string;
}

/**
 * A provider of payments. Each step carries an idempotency key: asked again with it, the provider does nothing more and
 * answers what it answered, so whoever got no answer asks again. Every method rejects with `ProviderUnavailable` when
 * there is no answer, which says nothing about what was done. What the provider refuses for good is `declined`.
 */
export interface PaymentProvider {
  /** Sets money aside. */
  authorise(authorisation: Authorisation, idempotencyKey: string): Promise<Answer>;
  /** Takes all that was set aside. */
  capture(reference: string, idempotencyKey: string): Promise<Answer>;
  /** Frees what was set aside. */
  void(reference: string, idempotencyKey: string): Promise<Answer>;
  /** Gives back all that was taken. */
  refund(reference: string, idempotencyKey: string): Promise<Answer>;
  /** What became of the step that was asked for with this key; `undefined` when the provider has not done it (yet). */
  find(idempotencyKey: string): Promise<Answer | undefined>;
}

/** Injects the `PaymentProvider`. */
export const PAYMENT_PROVIDER = Symbol('payments:provider');

/** The provider did not answer, or not with an answer. What was asked may have been done. */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
}

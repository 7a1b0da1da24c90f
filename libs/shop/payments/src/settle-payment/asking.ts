import { Inject, Injectable, Logger } from '@nestjs/common';
import { type Answer, type Asked, askedOf, type Payment, type Step } from '../domain/payment.js';
import { PAYMENT_PROVIDER, type PaymentProvider, ProviderUnavailable } from '../provider/payment-provider.js';
import { PaymentRepository } from '../storage/payment.repository.js';
import { Payments } from './payments.js';

/** Milliseconds until a provider that gave no answer is asked again; doubles each time. */
const AGAIN_FIRST_MS = 1_000;
export const AGAIN_MAX_MS = 60_000;

/**
 * Asks the provider for the next step of a payment, outside of any transaction. Safe to call twice for one payment,
 * also concurrently: the provider recognises the step by its idempotency key, and the first stored answer counts.
 */
@Injectable()
export class Asking {
  private readonly logger = new Logger(Asking.name);

  constructor(
    @Inject(PAYMENT_PROVIDER) private readonly provider: PaymentProvider,
    private readonly payments: Payments,
    private readonly repository: PaymentRepository,
  ) {}

  /**
   * Continues until the payment waits for nothing, or for a later report of the provider. Without an answer the sweep
   * takes over, so this fails only for errors of this module.
   * @param asked whether the provider may already know the step: then it is looked up first.
   */
  async goOn(payment: Payment | undefined, asked = false): Promise<void> {
    for (let current = payment; current;) {
      const wanted = askedOf(current);
      if (!wanted) return;
      const answer = await this.answerTo(current, wanted, asked && current === payment);
      if (!answer || answer.status === 'pending') return;
      current = await this.payments.settle(current.orderId, wanted, answer);
    }
  }

  /** The provider's answer; if there is none, looks up what was done and asks once more, which usually succeeds. */
  private async answerTo(payment: Payment, { step, key }: Asked, asked: boolean): Promise<Answer | undefined> {
    const { orderId } = payment;
    try {
      if (!asked) return await this.ask(payment, step, key);
    } catch (error) {
      if (!(error instanceof ProviderUnavailable)) throw error;
    }
    try {
      return (await this.provider.find(key)) ?? (await this.ask(payment, step, key));
    } catch (error) {
      if (!(error instanceof ProviderUnavailable)) throw error;
      this.logger.warn(`The payment of order ${orderId} waits, to ${step}: ${error.message}`);
      await this.repository.putOff(orderId, AGAIN_FIRST_MS, AGAIN_MAX_MS);
      return undefined;
    }
  }

  private ask(payment: Payment, step: Step, key: string): Promise<Answer> {
    const { orderId, amountMinor, currency, paymentMethod, reference } = payment;
    if (step === 'authorise') {
      if (currency === undefined || paymentMethod === undefined)
        throw new Error(`the payment of order ${orderId} has begun without a currency or a method`);
      return this.provider.authorise({ orderId, amountMinor, currency, paymentMethod }, key);
    }
    if (reference === undefined) throw new Error(`the payment of order ${orderId} has nothing to ${step}`);
    return this.provider[step](reference, key);
  }
}

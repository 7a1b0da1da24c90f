import { Inject, Injectable, Logger } from '@nestjs/common';
import { type Answer, type Asked, askedOf, type Payment, type Step } from '../domain/payment.js';
import { PAYMENT_PROVIDER, type PaymentProvider, ProviderUnavailable } from '../provider/payment-provider.js';
import { PaymentRepository } from '../storage/payment.repository.js';
import { Payments } from './payments.js';

/** Milliseconds until the provider is asked again that gave no answer; doubles each time. */
const AGAIN_FIRST_MS = 1_000;
export const AGAIN_MAX_MS = 60_000;

/**
 * Asks the provider for what a payment waits for, outside of any transaction. It is safe to ask for one payment twice,
 * also at the same time: the provider knows the step by its idempotency key, and the first answer that is stored
 * counts.
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
   * Goes on until the payment waits for nothing, or for what the provider tells later. Without an answer it is left to
   * the sweep, so this fails only for what is wrong here.
   * @param asked whether the provider may know the step already: then it is looked up first.
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

  /** The provider's answer; one who got none looks what was done and asks once more, which ends well for most. */
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

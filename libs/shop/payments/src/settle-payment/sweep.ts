import { Singleton } from '@fledge/kit';
import { Injectable, Logger } from '@nestjs/common';
import { PaymentsSettings } from '../settings.js';
import { PaymentRepository } from '../storage/payment.repository.js';
import { WebhookEventRepository } from '../storage/webhook-event.repository.js';
import { AGAIN_MAX_MS, Asking } from './asking.js';

/** Payments taken up in one round at most, of which so many at once. */
const ROUND_MAX = 100;
const AT_ONCE = 10;
/** By how much clocks may differ without anybody minding, in milliseconds. */
const SPARE_MS = 5_000;
/** Days for which a webhook's id is kept. */
const WEBHOOK_DAYS = 30;

/** Takes up payments that wait for the provider for too long, whatever process asked it and ended. */
@Injectable()
export class Sweep {
  private readonly logger = new Logger(Sweep.name);

  constructor(
    private readonly settings: PaymentsSettings,
    private readonly payments: PaymentRepository,
    private readonly webhookEvents: WebhookEventRepository,
    private readonly asking: Asking,
  ) {}

  /** One round. Safe to run twice at once. Returns the milliseconds until there is more to do, if there was nothing. */
  @Singleton('settle-payments', { everyMs: 500, idleMs: 2_500, onCommit: false })
  async round(): Promise<number | undefined> {
    const { askedMaxMs } = this.settings;
    const longestMs = Math.max(askedMaxMs, AGAIN_MAX_MS) + SPARE_MS;
    const nextInMs = await this.payments.nextInMs(longestMs);
    if (nextInMs > 0) return nextInMs;
    const orderIds = await this.payments.takeOverdue(askedMaxMs, longestMs, ROUND_MAX);
    const next = async (): Promise<void> => {
      for (let orderId = orderIds.pop(); orderId !== undefined; orderId = orderIds.pop()) await this.takeUp(orderId);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    return undefined;
  }

  /** Forgets what is of no use any more. */
  @Singleton('forget-webhooks', { everyMs: 3_600_000 })
  async forget(): Promise<void> {
    await this.webhookEvents.forget(WEBHOOK_DAYS);
  }

  private async takeUp(orderId: string): Promise<void> {
    try {
      await this.asking.goOn(await this.payments.find(orderId), true);
    } catch (error) {
      // The others do not wait for this one, which is taken up again.
      this.logger.error(
        `The payment of order ${orderId} is not settled: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

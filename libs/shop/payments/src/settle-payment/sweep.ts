import { Singleton } from '@fledge/kit';
import { Injectable, Logger } from '@nestjs/common';
import { PaymentsSettings } from '../settings.js';
import { PaymentRepository } from '../storage/payment.repository.js';
import { WebhookEventRepository } from '../storage/webhook-event.repository.js';
import { AGAIN_MAX_MS, Asking } from './asking.js';

/** The most payments taken up in one round, and how many at the same time. */
const ROUND_MAX = 100;
const AT_ONCE = 10;
/** The tolerated difference between clocks, in milliseconds. */
const SPARE_MS = 5_000;
/** Days for which a webhook's id is kept. */
const WEBHOOK_DAYS = 30;

/** Takes up payments that have waited for the provider for too long, whatever happened to the process that asked it. */
@Injectable()
export class Sweep {
  private readonly logger = new Logger(Sweep.name);

  constructor(
    private readonly settings: PaymentsSettings,
    private readonly payments: PaymentRepository,
    private readonly webhookEvents: WebhookEventRepository,
    private readonly asking: Asking,
  ) {}

  /**
   * One round. Safe to run concurrently. Returns the milliseconds until the next payment is due, if there was nothing
   * to do.
   */
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

  /** Deletes what is no longer needed. */
  @Singleton('forget-webhooks', { everyMs: 3_600_000 })
  async forget(): Promise<void> {
    await this.webhookEvents.forget(WEBHOOK_DAYS);
  }

  private async takeUp(orderId: string): Promise<void> {
    try {
      await this.asking.goOn(await this.payments.find(orderId), true);
    } catch (error) {
      // One failure must not hold up the others; it is tried again in a later round.
      this.logger.error(
        `The payment of order ${orderId} is not settled: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

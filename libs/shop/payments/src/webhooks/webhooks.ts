import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Payments } from '../settle-payment/payments.js';
import { WebhookEventRepository } from '../storage/webhook-event.repository.js';
import type { WebhookBody } from './webhook-body.js';

/** Handles the provider's reports, each event once, even if they are late, repeated or out of order. */
@Injectable()
export class Webhooks {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly events: WebhookEventRepository,
    private readonly payments: Payments,
  ) {}

  /**
   * Settles the step that the event is about. The next step is left to the sweep, so that the provider gets its answer
   * quickly.
   */
  async take({ id, key, orderId, operation, status, reference, reason }: WebhookBody): Promise<void> {
    await this.dataSource.transaction(async () => {
      if (!(await this.events.add(id))) return;
      // An event about another step than the current one, such as a manual action at the provider, settles nothing
      // here.
      await this.payments.settle(
        orderId,
        { step: operation, key },
        { status, reference, ...(reason != null && { reason }) },
        0,
      );
    });
  }
}

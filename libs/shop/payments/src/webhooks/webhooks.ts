import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Payments } from '../settle-payment/payments.js';
import { WebhookEventRepository } from '../storage/webhook-event.repository.js';
import type { WebhookBody } from './webhook-body.js';

/** Takes what the provider tells, each event once; late, twice and out of order make no difference. */
@Injectable()
export class Webhooks {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly events: WebhookEventRepository,
    private readonly payments: Payments,
  ) {}

  /**
   * Settles the step that the event is about. What is to be asked for next is left to the sweep, so that the provider
   * has its answer.
   */
  async take({ id, key, orderId, operation, status, reference, reason }: WebhookBody): Promise<void> {
    await this.dataSource.transaction(async () => {
      if (!(await this.events.add(id))) return;
      // An event about something else than is asked for now, such as what a person did at the provider's, settles
      // nothing here.
      await this.payments.settle(
        orderId,
        { step: operation, key },
        { status, reference, ...(reason != null && { reason }) },
        0,
      );
    });
  }
}

import { Injectable } from '@nestjs/common';
import { EventBus } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { type Answer, type Asked, type Change, type Payment, settle, stepOf } from '../domain/payment.js';
import { PaymentsSettings } from '../settings.js';
import { LedgerRepository } from '../storage/ledger.repository.js';
import { PaymentRepository } from '../storage/payment.repository.js';

/** Changes payments: a change is stored, posted and published together or not at all. */
@Injectable()
export class Payments {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly settings: PaymentsSettings,
    private readonly payments: PaymentRepository,
    private readonly ledger: LedgerRepository,
    private readonly events: EventBus,
  ) {}

  /**
   * Changes the payment of an order, if `decide` returns a change; returns the resulting payment. Concurrent changes
   * wait. An error of `decide` changes nothing.
   * @param askAfterMs how long until the sweep asks the provider, when the payment waits for it; default `askedMaxMs`.
   */
  change(
    orderId: string,
    decide: (found: Payment | undefined) => Change | undefined,
    askAfterMs = this.settings.askedMaxMs,
  ): Promise<Payment | undefined> {
    return this.dataSource.transaction(async () => {
      let found = await this.payments.lock(orderId);
      let change = decide(found);
      if (!change) return found;
      if (!found && !(await this.payments.add(change.payment, askAtOf(change.payment, askAfterMs)))) {
        // A concurrent call stored one meanwhile.
        found = await this.payments.lock(orderId);
        change = decide(found);
        if (!change || !found) return found;
      }
      const { payment, postings, events } = change;
      if (found) await this.payments.store(found, payment, askAtOf(payment, askAfterMs));
      for (const posting of postings) await this.ledger.post(orderId, posting);
      this.events.publishAll([...events]);
      return payment;
    });
  }

  /** Applies the provider's answer to a step, the first time it arrives. */
  settle(orderId: string, asked: Asked, answer: Answer, askAfterMs?: number): Promise<Payment | undefined> {
    return this.change(orderId, (found) => found && settle(found, asked, answer), askAfterMs);
  }
}

function askAtOf({ state }: Payment, afterMs: number): Date | null {
  return stepOf(state) === undefined ? null : new Date(Date.now() + afterMs);
}

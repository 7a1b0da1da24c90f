import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import type { PaymentState } from '../../contract/index.js';
import type { Payment } from '../domain/payment.js';
import { PaymentStepRow } from './payment-step.row.js';
import { PaymentRow } from './payment.row.js';

/** A state that a payment has entered, and when. */
export interface PaymentStep {
  readonly state: PaymentState;
  readonly at: Date;
  readonly reason: string | undefined;
}

/** A payment with all its states, oldest first. */
export interface PaymentRecord {
  readonly payment: Payment;
  readonly createdAt: Date;
  readonly history: readonly PaymentStep[];
}

/** The place of a payment in the list of all. */
export interface PaymentPlace {
  readonly createdAt: Date;
  readonly orderId: string;
}

/** Payments by order. */
@Injectable()
export class PaymentRepository {
  constructor(
    @InjectRepository(PaymentRow) private readonly rows: Repository<PaymentRow>,
    @InjectRepository(PaymentStepRow) private readonly steps: Repository<PaymentStepRow>,
  ) {}

  /** The payment of an order. */
  async find(orderId: string): Promise<Payment | undefined> {
    const row = await this.rows.findOneBy({ orderId });
    return row ? paymentOf(row) : undefined;
  }

  /** Like `find`, but locked for a transaction that may change it. */
  async lock(orderId: string): Promise<Payment | undefined> {
    const row = await this.rows.findOne({ where: { orderId }, lock: { mode: 'pessimistic_write' } });
    return row ? paymentOf(row) : undefined;
  }

  /**
   * Stores a payment unless its order has one; returns whether it did. Waits for a concurrent transaction that stores
   * one.
   */
  async add(payment: Payment, askAt: Date | null): Promise<boolean> {
    const now = new Date();
    const values = { ...rowOf(payment), orderId: payment.orderId, askAt, createdAt: now, updatedAt: now };
    const result = await this.rows
      .createQueryBuilder()
      .insert()
      .values(values)
      .orIgnore()
      .returning('order_id')
      .execute();
    if ((result.raw as unknown[]).length === 0) return false;
    await this.note(payment, now);
    return true;
  }

  /** Stores a locked payment as it is after a change. */
  async store(before: Payment, payment: Payment, askAt: Date | null): Promise<void> {
    const now = new Date();
    await this.rows.update(
      { orderId: payment.orderId },
      { ...rowOf(payment), askAt, ...(payment.state !== before.state && { askedInVain: 0 }), updatedAt: now },
    );
    if (payment.state !== before.state) await this.note(payment, now);
  }

  /**
   * Takes up to `limit` payments that have waited for the provider for long enough, and reserves them for `againMs`.
   * @param longestMs the longest that one may have to wait: a payment that would wait longer got its time from a clock
   * that was set back since, or from another machine.
   */
  async takeOverdue(againMs: number, longestMs: number, limit: number): Promise<string[]> {
    const [rows] = await this.rows.query<[{ order_id: string }[], number]>(
      `UPDATE payments SET ask_at = now() + $1 * interval '1 ms'
       WHERE order_id IN (SELECT order_id FROM payments WHERE ask_at <= now() OR ask_at > now() + $2 * interval '1 ms' ORDER BY ask_at LIMIT $3 FOR UPDATE SKIP LOCKED)
       RETURNING order_id`,
      [againMs, longestMs, limit],
    );
    return rows.map((row) => row.order_id);
  }

  /**
   * The milliseconds until the next payment has waited for the provider for too long; `Infinity` if there is none.
   * @param longestMs as in `takeOverdue`.
   */
  async nextInMs(longestMs: number): Promise<number> {
    const [next] = await this.rows.query<{ ms: number | null; isOff: boolean }[]>(
      `SELECT extract(epoch FROM min(ask_at) - now())::float8 * 1000 AS ms, coalesce(max(ask_at) > now() + $1 * interval '1 ms', false) AS "isOff" FROM payments`,
      [longestMs],
    );
    return next?.isOff ? 0 : (next?.ms ?? Infinity);
  }

  /** Postpones the next request to the provider, the longer the more often it gave no answer. */
  async putOff(orderId: string, firstMs: number, maxMs: number): Promise<void> {
    await this.rows.query(
      `UPDATE payments SET ask_at = now() + make_interval(secs => least($2, $3 * 2 ^ least(asked_in_vain, 20)) / 1000), asked_in_vain = asked_in_vain + 1
       WHERE order_id = $1 AND ask_at IS NOT NULL`,
      [orderId, maxMs, firstMs],
    );
  }

  /** The payment of an order with its history. */
  async record(orderId: string): Promise<PaymentRecord | undefined> {
    return (await this.records(await this.rows.findBy({ orderId })))[0];
  }

  /** All payments, the newest first, starting after a place. */
  async list(after: PaymentPlace | undefined, limit: number): Promise<PaymentRecord[]> {
    const query = this.rows.createQueryBuilder('p');
    if (after) query.where('(p.created_at, p.order_id) < (:createdAt, CAST(:orderId AS uuid))', after);
    return this.records(
      await query.orderBy('p.created_at', 'DESC').addOrderBy('p.order_id', 'DESC').limit(limit).getMany(),
    );
  }

  private async note({ orderId, state, reason }: Payment, at: Date): Promise<void> {
    await this.steps.insert({ orderId, state, at, reason: reason ?? null });
  }

  private async records(rows: readonly PaymentRow[]): Promise<PaymentRecord[]> {
    if (rows.length === 0) return [];
    const steps = await this.steps.find({
      where: { orderId: In(rows.map((row) => row.orderId)) },
      order: { seq: 'ASC' },
    });
    return rows.map((row) => ({
      payment: paymentOf(row),
      createdAt: row.createdAt,
      history: steps
        .filter((step) => step.orderId === row.orderId)
        .map(({ state, at, reason }) => ({ state, at, reason: reason ?? undefined })),
    }));
  }
}

function paymentOf(row: PaymentRow): Payment {
  const { orderId, state, amountMinor, capturedMinor, refundedMinor, attempt, told } = row;
  return {
    orderId,
    state,
    amountMinor,
    capturedMinor,
    refundedMinor,
    attempt,
    told,
    userId: row.userId ?? undefined,
    currency: row.currency ?? undefined,
    paymentMethod: row.paymentMethod ?? undefined,
    reference: row.reference ?? undefined,
    cancelReason: row.cancelReason ?? undefined,
    reason: row.reason ?? undefined,
  };
}

function rowOf(payment: Payment): Omit<PaymentRow, 'orderId' | 'askAt' | 'askedInVain' | 'createdAt' | 'updatedAt'> {
  const {
    state,
    amountMinor,
    capturedMinor,
    refundedMinor,
    attempt,
    told,
    userId,
    currency,
    paymentMethod,
    reference,
    cancelReason,
    reason,
  } = payment;
  return {
    state,
    amountMinor,
    capturedMinor,
    refundedMinor,
    attempt,
    told: [...told],
    userId: userId ?? null,
    currency: currency ?? null,
    paymentMethod: paymentMethod ?? null,
    reference: reference ?? null,
    cancelReason: cancelReason ?? null,
    reason: reason ?? null,
  };
}

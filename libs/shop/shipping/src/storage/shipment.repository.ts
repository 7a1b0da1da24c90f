import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { ShipmentRow } from './shipment.row.js';

/** The place of a shipment in a user's list. */
export interface ShipmentPlace {
  readonly createdAt: Date;
  readonly orderId: string;
}

/** A shipment whose next step is due, and since when. */
export interface DueShipment {
  readonly orderId: string;
  readonly dueAt: Date;
}

// The last one says when to look again.
const DUE = `
SELECT order_id AS "orderId", due_at AS "dueAt", extract(epoch FROM due_at - now())::float8 * 1000 AS "inMs" FROM (
  (SELECT order_id, due_at FROM shipments WHERE due_at <= now() OR due_at > now() + $1 * interval '1 ms' ORDER BY due_at LIMIT $2)
  UNION ALL
  (SELECT order_id, due_at FROM shipments WHERE due_at > now() AND due_at <= now() + $1 * interval '1 ms' ORDER BY due_at LIMIT 1)
) next ORDER BY due_at`;

/** Shipments by order. */
@Injectable()
export class ShipmentRepository {
  constructor(@InjectRepository(ShipmentRow) private readonly rows: Repository<ShipmentRow>) {}

  /** The shipment of an order. */
  async find(orderId: string): Promise<ShipmentRow | undefined> {
    return (await this.rows.findOneBy({ orderId })) ?? undefined;
  }

  /** Like `find`, but locked for a transaction that may change it. */
  async lock(orderId: string): Promise<ShipmentRow | undefined> {
    return (await this.rows.findOne({ where: { orderId }, lock: { mode: 'pessimistic_write' } })) ?? undefined;
  }

  /**
   * Stores a shipment unless its order has one; returns whether it did. Waits for a concurrent transaction that stores
   * one.
   */
  async add(row: ShipmentRow): Promise<boolean> {
    const result = await this.rows.createQueryBuilder().insert().values(row).orIgnore().returning('order_id').execute();
    return (result.raw as unknown[]).length > 0;
  }

  /** Stores a locked shipment as it is after a change. */
  async store(row: ShipmentRow): Promise<void> {
    const { orderId, ...changed } = row;
    await this.rows.update({ orderId }, changed);
  }

  /**
   * Up to `limit` shipments whose next step is due, the longest overdue first; if there is none, the milliseconds until
   * the next one, `Infinity` for never.
   * @param longestMs the longest that one may have to wait: a shipment that would wait longer got its time from a clock
   * that was set back since, or from another machine.
   */
  async due(
    longestMs: number,
    limit: number,
  ): Promise<{ readonly due: readonly DueShipment[]; readonly nextInMs: number }> {
    const rows = await this.rows.query<(DueShipment & { readonly inMs: number })[]>(DUE, [longestMs, limit]);
    return { due: rows.filter(({ inMs }) => inMs <= 0 || inMs > longestMs), nextInMs: rows[0]?.inMs ?? Infinity };
  }

  /** A user's shipments, the newest first, starting after a place. */
  async listOf(userId: string, after: ShipmentPlace | undefined, limit: number): Promise<ShipmentRow[]> {
    const query = this.rows.createQueryBuilder('s').where('s.user_id = :userId', { userId });
    if (after) query.andWhere('(s.created_at, s.order_id) < (:createdAt, CAST(:orderId AS uuid))', after);
    return query.orderBy('s.created_at', 'DESC').addOrderBy('s.order_id', 'DESC').limit(limit).getMany();
  }
}

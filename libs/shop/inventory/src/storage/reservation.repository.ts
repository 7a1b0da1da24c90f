import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import type { Line } from '../domain/stock.js';
import { ReservationLineRow } from './reservation-line.row.js';
import { ReservationRow, type ReservationStatus } from './reservation.row.js';

/** The reservation of an order, with its lines in the order of product ids. */
export interface Reservation {
  readonly orderId: string;
  readonly status: ReservationStatus;
  readonly expiresAt: Date;
  readonly lines: readonly Line[];
}

/** Reservations by order. */
@Injectable()
export class ReservationRepository {
  constructor(
    @InjectRepository(ReservationRow) private readonly rows: Repository<ReservationRow>,
    @InjectRepository(ReservationLineRow) private readonly lines: Repository<ReservationLineRow>,
  ) {}

  /**
   * Opens a reservation of the order for `forMs` milliseconds, without lines; returns when it expires, or `undefined`
   * if the order already has one. A concurrent call for the same order waits for the end of this transaction. Uses the
   * clock of the database, which also decides the expiry.
   */
  async open(orderId: string, status: ReservationStatus, forMs: number): Promise<Date | undefined> {
    const [opened] = await this.rows.query<{ expiresAt: Date }[]>(
      `INSERT INTO reservations (order_id, status, expires_at, created_at, updated_at)
       VALUES ($1, $2, date_trunc('milliseconds', clock_timestamp()) + $3 * interval '1 ms', $4, $4) ON CONFLICT DO NOTHING RETURNING expires_at AS "expiresAt"`,
      [orderId, status, forMs, new Date()],
    );
    return opened?.expiresAt;
  }

  /** Stores the lines of a reservation that was just opened. */
  async addLines(orderId: string, lines: readonly Line[]): Promise<void> {
    await this.lines.insert(lines.map(({ productId, quantity }) => ({ orderId, productId, quantity })));
  }

  /** The reservation of an order, locked for a transaction that may change it. */
  async lock(orderId: string): Promise<Reservation | undefined> {
    const row = await this.rows.findOne({ where: { orderId }, lock: { mode: 'pessimistic_write' } });
    if (!row) return undefined;
    const lines = await this.lines.find({ where: { orderId }, order: { productId: 'ASC' } });
    return {
      orderId,
      status: row.status,
      expiresAt: row.expiresAt,
      lines: lines.map(({ productId, quantity }) => ({ productId, quantity })),
    };
  }

  /** Orders whose reservation has expired, the oldest first. Locks nothing: check again after locking. */
  async overdue(limit: number): Promise<string[]> {
    const rows = await this.rows.query<{ order_id: string }[]>(
      "SELECT order_id FROM reservations WHERE status = 'held' AND expires_at <= now() ORDER BY expires_at LIMIT $1",
      [limit],
    );
    return rows.map((row) => row.order_id);
  }

  /**
   * The milliseconds until the next reservation expires, `Infinity` if there is none; and the database's clock, in
   * milliseconds since 1970.
   */
  async next(): Promise<{ readonly inMs: number; readonly clockMs: number }> {
    const [next] = await this.rows.query<{ inMs: number | null; clockMs: number }[]>(
      `SELECT extract(epoch FROM min(expires_at) - now())::float8 * 1000 AS "inMs", extract(epoch FROM now())::float8 * 1000 AS "clockMs" FROM reservations WHERE status = 'held'`,
    );
    return { inMs: next?.inMs ?? Infinity, clockMs: next?.clockMs ?? 0 };
  }

  /**
   * Shifts expiry times after the clock was set, so that reservations last as long as promised. @param byMs above zero:
   * the clock was set forward.
   */
  async followClock(byMs: number): Promise<void> {
    // a reservation made since the clock was set back already follows it, and would expire at once
    await this.rows.query(
      `UPDATE reservations SET expires_at = expires_at + $1::float8 * interval '1 ms' WHERE status = 'held' AND ($1::float8 > 0 OR expires_at > now() - $1::float8 * interval '1 ms')`,
      [byMs],
    );
  }

  /** Stores the new status of a locked reservation. */
  async mark(orderId: string, status: ReservationStatus): Promise<void> {
    await this.rows.update({ orderId }, { status, updatedAt: new Date() });
  }
}

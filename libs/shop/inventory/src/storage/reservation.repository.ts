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
   * Takes the order's place, without lines; answers whether it was free. One who takes the same place in another transaction
   * waits for the end of this one.
   */
  async open(orderId: string, status: ReservationStatus, expiresAt: Date): Promise<boolean> {
    const now = new Date();
    const result = await this.rows.createQueryBuilder().insert().values({ orderId, status, expiresAt, createdAt: now, updatedAt: now }).orIgnore().returning('order_id').execute();
    return (result.raw as unknown[]).length === 1;
  }

  /** Stores the lines of a reservation that was just opened. */
  async addLines(orderId: string, lines: readonly Line[]): Promise<void> {
    await this.lines.insert(lines.map(({ productId, quantity }) => ({ orderId, productId, quantity })));
  }

  /** The reservation of an order, for a transaction that may change it. */
  async lock(orderId: string): Promise<Reservation | undefined> {
    const row = await this.rows.findOne({ where: { orderId }, lock: { mode: 'pessimistic_write' } });
    if (!row) return undefined;
    const lines = await this.lines.find({ where: { orderId }, order: { productId: 'ASC' } });
    return { orderId, status: row.status, expiresAt: row.expiresAt, lines: lines.map(({ productId, quantity }) => ({ productId, quantity })) };
  }

  /** Orders whose stock is held for longer than it may be, the longest first. Locks nothing: look again once it is locked. */
  async overdue(limit: number): Promise<string[]> {
    const rows = await this.rows.query<{ order_id: string }[]>("SELECT order_id FROM reservations WHERE status = 'held' AND expires_at <= now() ORDER BY expires_at LIMIT $1", [limit]);
    return rows.map((row) => row.order_id);
  }

  /** The milliseconds until stock is held for too long; `Infinity` if there is none. */
  async nextInMs(): Promise<number> {
    const [next] = await this.rows.query<{ ms: number | null }[]>("SELECT extract(epoch FROM min(expires_at) - clock_timestamp())::float8 * 1000 AS ms FROM reservations WHERE status = 'held'");
    return next?.ms ?? Infinity;
  }

  /** Notes what became of a locked reservation. */
  async mark(orderId: string, status: ReservationStatus): Promise<void> {
    await this.rows.update({ orderId }, { status, updatedAt: new Date() });
  }
}

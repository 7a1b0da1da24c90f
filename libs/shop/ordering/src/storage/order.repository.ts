import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import { DataSource, In, IsNull, LessThan, MoreThan, Or, Repository } from 'typeorm';
import type { OrderState } from '../../contract/index.js';
import { mayBecome, type Order, type OrderStep, PLACING_DEFAULT_MS, type PricedLines } from '../domain/order.js';
import { OrderLineRow } from './order-line.row.js';
import { OrderStepRow } from './order-step.row.js';
import { OrderRow } from './order.row.js';

/** The longest stored reason, in characters. */
const REASON_CHARS_MAX = 500;

/** One statement, which needs no transaction around it, since it runs several times per order. */
const MOVE = `
WITH moved AS (
  UPDATE orders SET
    state = $3::text,
    updated_at = $4::timestamptz,
    placed_at = CASE WHEN $3 = 'placed' THEN $4 ELSE placed_at END,
    idempotency_key = CASE WHEN $2 = 'placing' AND $3 <> 'placed' THEN NULL ELSE idempotency_key END
  WHERE id = $1 AND state = $2::text
  RETURNING id
)
INSERT INTO order_steps (order_id, state, at, reason) SELECT id, $3, $4, $5::text FROM moved RETURNING order_id`;

/** The place of an order in its user's list. */
export interface OrderPlace {
  readonly placedAt: Date;
  readonly id: string;
}

/** Orders by id, user and key. */
@Injectable()
export class OrderRepository {
  constructor(
    @InjectRepository(OrderRow) private readonly rows: Repository<OrderRow>,
    @InjectRepository(OrderLineRow) private readonly lines: Repository<OrderLineRow>,
    @InjectRepository(OrderStepRow) private readonly steps: Repository<OrderStepRow>,
    @InjectDataSource() private readonly dataSource: DataSource,
  ) {}

  /** The order with this id. */
  async find(id: string): Promise<Order | undefined> {
    return this.only(await this.rows.findBy({ id }));
  }

  /** The order of the user with this key, placed or being placed. */
  async findByKey(userId: string, idempotencyKey: string): Promise<Order | undefined> {
    return this.only(await this.rows.findBy({ userId, idempotencyKey }));
  }

  /** The order of the user that is being placed; there is at most one. */
  async findPlacing(userId: string): Promise<Order | undefined> {
    return this.only(await this.rows.findBy({ userId, state: 'placing' }));
  }

  /** Orders that the user placed, the newest first, starting after a place. */
  async list(userId: string, after: OrderPlace | undefined, limit: number): Promise<Order[]> {
    const query = this.rows
      .createQueryBuilder('o')
      .where('o.user_id = :userId AND o.placed_at IS NOT NULL', { userId });
    if (after) query.andWhere('(o.placed_at, o.id) < (:placedAt, CAST(:id AS uuid))', after);
    return this.ordersOf(await query.orderBy('o.placed_at', 'DESC').addOrderBy('o.id', 'DESC').limit(limit).getMany());
  }

  /**
   * Stores a new order in the state `placing`, for a request that has `placingMs` left. Call it in a transaction that
   * has locked the user's cart.
   */
  async add(
    userId: string,
    idempotencyKey: string | undefined,
    { currency, totalMinor, lines }: PricedLines,
    paymentMethod?: string,
    placingMs = PLACING_DEFAULT_MS,
  ): Promise<Order> {
    const id = randomUUID();
    const now = new Date();
    await this.rows.insert({
      id,
      userId,
      state: 'placing',
      currency,
      totalMinor,
      idempotencyKey: idempotencyKey ?? null,
      paymentMethod: paymentMethod ?? null,
      placingMs,
      createdAt: now,
      placedAt: null,
      updatedAt: now,
    });
    await this.lines.insert(lines.map((line, position) => ({ ...line, orderId: id, position })));
    await this.steps.insert({ orderId: id, state: 'placing', what: null, at: now, reason: null });
    return {
      id,
      userId,
      state: 'placing',
      currency,
      totalMinor,
      lines,
      paymentMethod,
      placingMs,
      createdAt: now,
      placedAt: undefined,
      history: [{ at: now, what: 'placing', state: 'placing', reason: undefined }],
    };
  }

  /**
   * Moves an order from one state to another; returns `undefined` if it is not (or no longer) in the first one, so that
   * only one of several concurrent calls succeeds. An order that fails before it is placed frees its key.
   */
  async move(id: string, from: OrderState, to: OrderState, reason?: string): Promise<OrderStep | undefined> {
    if (!mayBecome(from, to)) throw new Error(`an order cannot go from ${from} to ${to}`);
    const at = new Date();
    const why = reason?.slice(0, REASON_CHARS_MAX);
    const moved = await this.dataSource.query<unknown[]>(MOVE, [id, from, to, at, why ?? null]);
    return moved.length === 1 ? { at, what: to, state: to, reason: why } : undefined;
  }

  /** Adds a step that is not a state to the history of an order: a few words for people. */
  async note(id: string, what: string): Promise<void> {
    await this.steps.insert({
      orderId: id,
      state: null,
      what: what.slice(0, REASON_CHARS_MAX),
      at: new Date(),
      reason: null,
    });
  }

  /** Orders in `placing` whose request must have ended by `at`, the oldest first. */
  async leftBehind(at: Date, limit: number): Promise<string[]> {
    const query = this.rows.createQueryBuilder('o').select('o.id').where("o.state = 'placing'");
    query.andWhere(
      'abs(extract(epoch FROM CAST(:at AS timestamptz) - o.created_at)) * 1000 >= coalesce(o.placing_ms, :placingMs)',
      { at, placingMs: PLACING_DEFAULT_MS },
    );
    return (await query.orderBy('o.updated_at').limit(limit).getMany()).map((row) => row.id);
  }

  /**
   * Orders that have been in a state for longer than `ageMs`, the oldest first; without those that have a checkout,
   * which handles them. A time in the future comes from a clock that was set back since.
   */
  async stuck(state: OrderState, at: Date, ageMs: number, limit: number): Promise<string[]> {
    const stuck = {
      state,
      updatedAt: Or(LessThan(new Date(at.getTime() - ageMs)), MoreThan(new Date(at.getTime() + ageMs))),
    };
    const rows = await this.rows.find({
      where: [
        { ...stuck, paymentMethod: IsNull() },
        { ...stuck, placedAt: IsNull() },
      ],
      select: { id: true },
      order: { updatedAt: 'ASC' },
      take: limit,
    });
    return rows.map((row) => row.id);
  }

  private async only(rows: readonly OrderRow[]): Promise<Order | undefined> {
    return (await this.ordersOf(rows))[0];
  }

  private async ordersOf(rows: readonly OrderRow[]): Promise<Order[]> {
    if (rows.length === 0) return [];
    const orderId = In(rows.map((row) => row.id));
    const lines = await this.lines.find({ where: { orderId }, order: { position: 'ASC' } });
    const steps = await this.steps.find({ where: { orderId }, order: { seq: 'ASC' } });
    return rows.map((row) =>
      orderOf(
        row,
        lines.filter((line) => line.orderId === row.id),
        steps.filter((step) => step.orderId === row.id),
      ),
    );
  }
}

function orderOf(row: OrderRow, lines: readonly OrderLineRow[], steps: readonly OrderStepRow[]): Order {
  const { id, userId, state, currency, totalMinor, createdAt, placedAt } = row;
  // In the order in which they were stored, not by time: the clocks of two replicas may differ.
  const history = steps.map(({ at, what, state: came, reason }): OrderStep => ({
    at,
    what: what ?? came ?? '',
    state: came ?? undefined,
    reason: reason ?? undefined,
  }));
  return {
    id,
    userId,
    state,
    currency,
    totalMinor,
    createdAt,
    history,
    placingMs: row.placingMs ?? PLACING_DEFAULT_MS,
    placedAt: placedAt ?? undefined,
    paymentMethod: row.paymentMethod ?? undefined,
    lines: lines.map(({ productId, sku, name, unitPriceMinor, quantity }) => ({
      productId,
      sku,
      name,
      unitPriceMinor,
      quantity,
    })),
  };
}

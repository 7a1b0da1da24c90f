import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LessThanOrEqual, Repository } from 'typeorm';
import { ShipmentRow } from './shipment.row.js';

/** The place of a shipment in the list of a user's. */
export interface ShipmentPlace {
  readonly createdAt: Date;
  readonly orderId: string;
}

/** Shipments by order. */
@Injectable()
export class ShipmentRepository {
  constructor(@InjectRepository(ShipmentRow) private readonly rows: Repository<ShipmentRow>) {}

  /** The shipment of an order. */
  async find(orderId: string): Promise<ShipmentRow | undefined> {
    return (await this.rows.findOneBy({ orderId })) ?? undefined;
  }

  /** The same for a transaction that may change it: others wait. */
  async lock(orderId: string): Promise<ShipmentRow | undefined> {
    return (await this.rows.findOne({ where: { orderId }, lock: { mode: 'pessimistic_write' } })) ?? undefined;
  }

  /** Stores a shipment unless its order has one; answers whether it did. Waits for a transaction that is storing one. */
  async add(row: ShipmentRow): Promise<boolean> {
    const result = await this.rows.createQueryBuilder().insert().values(row).orIgnore().returning('order_id').execute();
    return (result.raw as unknown[]).length > 0;
  }

  /** Stores a locked shipment as it is after a change. */
  async store(row: ShipmentRow): Promise<void> {
    const { orderId, ...changed } = row;
    await this.rows.update({ orderId }, changed);
  }

  /** Orders whose shipment is to go on by now, the longest due first. */
  async due(limit: number): Promise<string[]> {
    const rows = await this.rows.find({ select: { orderId: true }, where: { dueAt: LessThanOrEqual(new Date()) }, order: { dueAt: 'ASC' }, take: limit });
    return rows.map((row) => row.orderId);
  }

  /** The milliseconds until a shipment is to go on; `Infinity` if there is none. */
  async nextInMs(): Promise<number> {
    const [next] = await this.rows.query<{ ms: number | null }[]>("SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 * 1000 AS ms FROM shipments");
    return next?.ms ?? Infinity;
  }

  /** A user's shipments, the newest first, from after a place. */
  async listOf(userId: string, after: ShipmentPlace | undefined, limit: number): Promise<ShipmentRow[]> {
    const query = this.rows.createQueryBuilder('s').where('s.user_id = :userId', { userId });
    if (after) query.andWhere('(s.created_at, s.order_id) < (:createdAt, CAST(:orderId AS uuid))', after);
    return query.orderBy('s.created_at', 'DESC').addOrderBy('s.order_id', 'DESC').limit(limit).getMany();
  }
}

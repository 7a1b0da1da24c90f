import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { OrderState } from '../../contract/index.js';

/** An order. */
@Entity('orders')
export class OrderRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'user_id' }) userId!: string;
  @Column('text') state!: OrderState;
  @Column('text') currency!: string;
  // PostgreSQL's driver returns a bigint as a string; the limits of a cart keep a total within safe integers.
  @Column('bigint', { name: 'total_minor', transformer: { to: (value: number) => value, from: Number } })
  totalMinor!: number;
  /** Unique per user; null again when the attempt placed no order. */
  @Column('text', { name: 'idempotency_key', nullable: true }) idempotencyKey!: string | null;
  @Column('text', { name: 'payment_method', nullable: true }) paymentMethod!: string | null;
  @Column('integer', { name: 'placing_ms', nullable: true }) placingMs!: number | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'placed_at', nullable: true }) placedAt!: Date | null;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { OrderState } from '../../contract/index.js';

/** Something that happened to an order: a state that it came to, each once, or what the checkout was told. */
@Entity('order_steps')
export class OrderStepRow {
  @PrimaryColumn('uuid', { name: 'order_id' }) orderId!: string;
  /** By the database, in the order in which it was stored. */
  @PrimaryColumn('bigint', { generated: 'identity', insert: false }) seq!: string;
  @Column('text', { nullable: true }) state!: OrderState | null;
  /** Of what is no state. */
  @Column('text', { nullable: true }) what!: string | null;
  @Column('timestamptz') at!: Date;
  @Column('text', { nullable: true }) reason!: string | null;
}

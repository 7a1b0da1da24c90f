import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { OrderState } from '../../contract/index.js';

/** Something that happened to an order: a new state, each at most once, or another event of the checkout. */
@Entity('order_steps')
export class OrderStepRow {
  @PrimaryColumn('uuid', { name: 'order_id' }) orderId!: string;
  /** Set by the database, in the order in which steps were stored. */
  @PrimaryColumn('bigint', { generated: 'identity', insert: false }) seq!: string;
  @Column('text', { nullable: true }) state!: OrderState | null;
  /** The text of a step that is not a state. */
  @Column('text', { nullable: true }) what!: string | null;
  @Column('timestamptz') at!: Date;
  @Column('text', { nullable: true }) reason!: string | null;
}

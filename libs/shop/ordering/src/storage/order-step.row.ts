import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { OrderState } from '../../contract/index.js';

/** A state that an order came to. An order comes to each state once. */
@Entity('order_steps')
export class OrderStepRow {
  @PrimaryColumn('uuid', { name: 'order_id' }) orderId!: string;
  @PrimaryColumn('text') state!: OrderState;
  @Column('timestamptz') at!: Date;
  @Column('text', { nullable: true }) reason!: string | null;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PaymentState } from '../../contract/index.js';

/** A state that a payment has entered. */
@Entity('payment_steps')
export class PaymentStepRow {
  @PrimaryColumn('uuid', { name: 'order_id' }) orderId!: string;
  /** Set by the database, in the order of its transactions on the payment. */
  @PrimaryColumn('bigint', { generated: 'identity', insert: false }) seq!: string;
  @Column('text') state!: PaymentState;
  @Column('timestamptz') at!: Date;
  @Column('text', { nullable: true }) reason!: string | null;
}

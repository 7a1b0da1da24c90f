import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PaymentState } from '../../contract/index.js';
import type { EventKind } from '../domain/payment.js';

/** PostgreSQL's driver returns a bigint as a string; the contract keeps an amount within safe integers. */
const amount = { to: (value: number) => value, from: Number };

/** The payment of an order. */
@Entity('payments')
export class PaymentRow {
  @PrimaryColumn('uuid', { name: 'order_id' }) orderId!: string;
  @Column('text') state!: PaymentState;
  @Column('uuid', { name: 'user_id', nullable: true }) userId!: string | null;
  @Column('bigint', { name: 'amount_minor', transformer: amount }) amountMinor!: number;
  @Column('text', { nullable: true }) currency!: string | null;
  @Column('text', { name: 'payment_method', nullable: true }) paymentMethod!: string | null;
  @Column('text', { nullable: true }) reference!: string | null;
  @Column('bigint', { name: 'captured_minor', transformer: amount }) capturedMinor!: number;
  @Column('bigint', { name: 'refunded_minor', transformer: amount }) refundedMinor!: number;
  @Column('text', { name: 'cancel_reason', nullable: true }) cancelReason!: string | null;
  @Column('text', { nullable: true }) reason!: string | null;
  /** Part of the provider's idempotency key; increased by each retry. */
  @Column('integer', { default: 1 }) attempt!: number;
  @Column('text', { array: true }) told!: EventKind[];
  /** When to ask the provider again if it has not answered by then; set while an answer is due. */
  @Column('timestamptz', { name: 'ask_at', nullable: true }) askAt!: Date | null;
  /** How often the provider was asked for the current step without an answer. */
  @Column('integer', { name: 'asked_in_vain', default: 0 }) askedInVain!: number;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The kinds of mail about an order. */
export const MAIL_KINDS = ['confirmed', 'shipped', 'completed', 'cancelled', 'refunded'] as const;
export type MailKind = (typeof MAIL_KINDS)[number];

/** The facts in a mail besides its kind and its order. */
export interface MailFacts {
  /** Minor units of `currency`. */
  readonly totalMinor?: number;
  readonly currency?: string;
  readonly trackingCode?: string;
  readonly reason?: string;
}

/** A mail to the buyer of an order. */
@Entity('mails')
export class MailRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'order_id' }) orderId!: string;
  @Column('uuid', { name: 'user_id' }) userId!: string;
  @Column('text') kind!: MailKind;
  @Column('jsonb') facts!: MailFacts;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  /** When to send it, or to try again; none once it was sent or given up. */
  @Column('timestamptz', { name: 'send_at', nullable: true }) sendAt!: Date | null;
  @Column('integer') tries!: number;
  /** Why the last attempt failed. */
  @Column('text', { nullable: true }) failure!: string | null;
  /** The recipient's address. */
  @Column('text', { nullable: true }) recipient!: string | null;
  @Column('timestamptz', { name: 'sent_at', nullable: true }) sentAt!: Date | null;
}

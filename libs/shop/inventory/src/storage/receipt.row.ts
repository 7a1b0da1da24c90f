import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A delivery that was received. */
@Entity('receipts')
export class ReceiptRow {
  @PrimaryColumn('text') reference!: string;
  @Column('uuid', { name: 'product_id' }) productId!: string;
  @Column('integer') quantity!: number;
  @Column('timestamptz', { name: 'received_at' }) receivedAt!: Date;
}

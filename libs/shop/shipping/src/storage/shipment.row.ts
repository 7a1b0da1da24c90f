import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ShipmentState } from '../../contract/index.js';

/** The shipment of an order. */
@Entity('shipments')
export class ShipmentRow {
  @PrimaryColumn('uuid', { name: 'order_id' }) orderId!: string;
  @Column('uuid', { name: 'shipment_id', unique: true }) shipmentId!: string;
  @Column('text') state!: ShipmentState;
  /** None if it was cancelled before it had begun. */
  @Column('uuid', { name: 'user_id', nullable: true }) userId!: string | null;
  @Column('jsonb') lines!: { readonly productId: string; readonly quantity: number }[];
  @Column('text', { name: 'tracking_code', nullable: true }) trackingCode!: string | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  /** When its next step is due: from `packed` to `dispatched`, then to `delivered`. */
  @Column('timestamptz', { name: 'due_at', nullable: true }) dueAt!: Date | null;
  @Column('timestamptz', { name: 'dispatched_at', nullable: true }) dispatchedAt!: Date | null;
  @Column('timestamptz', { name: 'delivered_at', nullable: true }) deliveredAt!: Date | null;
}

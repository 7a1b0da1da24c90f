import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The status of a reservation. */
export type ReservationStatus = 'held' | 'released' | 'confirmed';

/** The reservation of an order. */
@Entity('reservations')
export class ReservationRow {
  @PrimaryColumn('uuid', { name: 'order_id' }) orderId!: string;
  @Column('text') status!: ReservationStatus;
  /** When an unconfirmed reservation may be released. */
  @Column('timestamptz', { name: 'expires_at' }) expiresAt!: Date;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What a reservation holds of one product. */
@Entity('reservation_lines')
export class ReservationLineRow {
  @PrimaryColumn('uuid', { name: 'order_id' }) orderId!: string;
  @PrimaryColumn('uuid', { name: 'product_id' }) productId!: string;
  @Column('integer') quantity!: number;
}

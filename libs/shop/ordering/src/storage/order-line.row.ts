import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A line of an order. */
@Entity('order_lines')
export class OrderLineRow {
  @PrimaryColumn('uuid', { name: 'order_id' }) orderId!: string;
  @PrimaryColumn('integer') position!: number;
  @Column('uuid', { name: 'product_id' }) productId!: string;
  @Column('text') sku!: string;
  @Column('text') name!: string;
  @Column('integer', { name: 'unit_price_minor' }) unitPriceMinor!: number;
  @Column('integer') quantity!: number;
}

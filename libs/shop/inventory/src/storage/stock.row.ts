import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The stock of a product as stored. */
@Entity('stock')
export class StockRow {
  @PrimaryColumn('uuid', { name: 'product_id' }) productId!: string;
  @Column('integer') received!: number;
  @Column('integer') available!: number;
  @Column('integer') reserved!: number;
  @Column('integer') sold!: number;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A product as stored. PostgreSQL computes the column `search`; it is not read. */
@Entity('products')
export class ProductRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') sku!: string;
  @Column('text') name!: string;
  @Column('text') description!: string;
  @Column('integer', { name: 'price_minor' }) priceMinor!: number;
  @Column('text') currency!: string;
  @Column('text', { name: 'category_id' }) categoryId!: string;
  @Column('boolean') active!: boolean;
  /** Whole milliseconds, like a JavaScript date, so that a cursor holds this value exactly. */
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A line of a cart. */
@Entity('cart_lines')
export class CartLineRow {
  @PrimaryColumn('uuid', { name: 'user_id' }) userId!: string;
  @PrimaryColumn('uuid', { name: 'product_id' }) productId!: string;
  @Column('integer') quantity!: number;
  /** The line's place in the cart. */
  @Column('integer') position!: number;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A user's cart. */
@Entity('carts')
export class CartRow {
  @PrimaryColumn('uuid', { name: 'user_id' }) userId!: string;
  @Column('integer') version!: number;
  @Column('text', { nullable: true }) currency!: string | null;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A category as stored. */
@Entity('categories')
export class CategoryRow {
  @PrimaryColumn('text') id!: string;
  @Column('text') name!: string;
}

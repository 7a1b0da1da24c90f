import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('order')
export class Order {
  @PrimaryGeneratedColumn('uuid') id!: string;
  @Column('text') item!: string;
  @Column('integer') quantity!: number;
  @Column('text', { default: 'placed' }) state!: 'placed' | 'confirmed' | 'refused';
}

import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('book')
export class Book {
  @PrimaryGeneratedColumn() id!: number;
  @Column() title!: string;
  @Column() copies!: number;
}

import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('loan')
export class Loan {
  @PrimaryGeneratedColumn() id!: number;
  @Column() bookId!: number;
  @Column() reader!: string;
}

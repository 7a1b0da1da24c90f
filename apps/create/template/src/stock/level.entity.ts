import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('level')
export class Level {
  @PrimaryColumn('text') item!: string;
  @Column('integer') available!: number;
}

import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, UpdateDateColumn } from 'typeorm';

@Entity('article')
export class Article {
  @PrimaryGeneratedColumn() id!: number;
  @Column({ unique: true }) slug!: string;
  @Column() title!: string;
  @Column() description!: string;
  @Column() body!: string;
  @Column('varchar', { array: true }) tagList!: string[];
  @Column() authorId!: number;
  @CreateDateColumn({ type: 'timestamptz' }) createdAt!: Date;
  @UpdateDateColumn({ type: 'timestamptz' }) updatedAt!: Date;
}

import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, UpdateDateColumn } from 'typeorm';

@Entity('comment')
export class Comment {
  @PrimaryGeneratedColumn() id!: number;
  @Column() articleId!: number;
  @Column() authorId!: number;
  @Column() body!: string;
  @CreateDateColumn({ type: 'timestamptz' }) createdAt!: Date;
  @UpdateDateColumn({ type: 'timestamptz' }) updatedAt!: Date;
}

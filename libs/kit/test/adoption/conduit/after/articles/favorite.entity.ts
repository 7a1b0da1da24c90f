import { Entity, PrimaryColumn } from 'typeorm';

@Entity('favorite')
export class Favorite {
  @PrimaryColumn() articleId!: number;
  @PrimaryColumn() userId!: number;
}

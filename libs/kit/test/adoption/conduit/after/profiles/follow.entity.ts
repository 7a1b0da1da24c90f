import { Entity, PrimaryColumn } from 'typeorm';

@Entity('follow')
export class Follow {
  @PrimaryColumn() followerId!: number;
  @PrimaryColumn() followedId!: number;
}

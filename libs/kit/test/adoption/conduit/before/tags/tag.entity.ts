import { Entity, PrimaryColumn } from 'typeorm';

@Entity('tag')
export class Tag {
  @PrimaryColumn() name!: string;
}

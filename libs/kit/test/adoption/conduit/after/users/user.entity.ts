import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('users')
export class User {
  @PrimaryGeneratedColumn() id!: number;
  @Column({ unique: true }) email!: string;
  @Column({ unique: true }) username!: string;
  @Column() passwordHash!: string;
  @Column({ type: 'varchar', nullable: true }) bio!: string | null;
  @Column({ type: 'varchar', nullable: true }) image!: string | null;
}

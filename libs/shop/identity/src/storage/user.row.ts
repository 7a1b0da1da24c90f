import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from '../domain/user.js';

/** A user as stored. */
@Entity('users')
export class UserRow {
  @PrimaryColumn('uuid') id!: string;
  /** As the user wrote it; mail goes there. */
  @Column('text') email!: string;
  /** `emailKey(email)`; unique. */
  @Column('text', { name: 'email_key' }) emailKey!: string;
  /** A PHC string: algorithm, parameters, salt and hash. */
  @Column('text', { name: 'password_hash' }) passwordHash!: string;
  @Column('text', { array: true }) roles!: Role[];
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
}

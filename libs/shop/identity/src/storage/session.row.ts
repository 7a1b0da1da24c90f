import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A session: the family of refresh tokens that began with a log-in. */
@Entity('sessions')
export class SessionRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'user_id' }) userId!: string;
  /** The hash of its newest refresh token; every other token of the session was used before. */
  @Column('bytea', { name: 'token_hash' }) tokenHash!: Buffer;
  /** When the user logged in. */
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  /** When its newest token was issued. */
  @Column('timestamptz', { name: 'refreshed_at' }) refreshedAt!: Date;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A key pair that signs access tokens. */
@Entity('signing_keys')
export class SigningKeyRow {
  @PrimaryColumn('text') kid!: string;
  /** The public key: the `x` of an Ed25519 JSON Web Key. */
  @Column('text') x!: string;
  /** The private key: the `d` of that JSON Web Key. Whoever can read this table can impersonate any user. */
  @Column('text') d!: string;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
}

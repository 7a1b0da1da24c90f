import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users, and the keys that sign their tokens. */
export class CreateIdentity1763800000000 implements MigrationInterface {
  readonly name = 'CreateIdentity1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE users (
        id uuid PRIMARY KEY,
        email text NOT NULL,
        email_key text NOT NULL CONSTRAINT users_email_key_unique UNIQUE,
        password_hash text NOT NULL,
        roles text[] NOT NULL CHECK (roles <@ ARRAY['buyer', 'staff']),
        created_at timestamptz(3) NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE signing_keys (
        kid text PRIMARY KEY,
        x text NOT NULL,
        d text NOT NULL,
        created_at timestamptz(3) NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE signing_keys');
    await runner.query('DROP TABLE users');
  }
}

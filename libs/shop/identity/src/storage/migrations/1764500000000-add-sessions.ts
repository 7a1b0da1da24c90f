import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sessions with their refresh tokens, and failed log-ins. */
export class AddSessions1764500000000 implements MigrationInterface {
  readonly name = 'AddSessions1764500000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sessions (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        token_hash bytea NOT NULL,
        created_at timestamptz(3) NOT NULL,
        refreshed_at timestamptz(3) NOT NULL
      )`);
    await runner.query('CREATE INDEX sessions_of_user ON sessions (user_id, refreshed_at)');
    await runner.query('CREATE INDEX sessions_by_age ON sessions (refreshed_at)');
    await runner.query(`
      CREATE TABLE log_in_failures (
        key text PRIMARY KEY,
        count integer NOT NULL,
        failed_at timestamptz(3) NOT NULL
      )`);
    await runner.query('CREATE INDEX log_in_failures_by_age ON log_in_failures (failed_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE log_in_failures');
    await runner.query('DROP TABLE sessions');
  }
}

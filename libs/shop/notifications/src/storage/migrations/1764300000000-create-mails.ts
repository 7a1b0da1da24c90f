import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Mails: one of each kind for an order. */
export class CreateMails1764300000000 implements MigrationInterface {
  readonly name = 'CreateMails1764300000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE mails (
      id uuid PRIMARY KEY,
      order_id uuid NOT NULL,
      user_id uuid NOT NULL,
      kind text NOT NULL CHECK (kind IN ('confirmed', 'shipped', 'completed', 'cancelled', 'refunded')),
      facts jsonb NOT NULL,
      created_at timestamptz(3) NOT NULL,
      send_at timestamptz(3),
      tries integer NOT NULL DEFAULT 0,
      failure text,
      recipient text,
      sent_at timestamptz(3),
      UNIQUE (order_id, kind),
      CONSTRAINT mails_sent_to CHECK ((recipient IS NULL) = (sent_at IS NULL))
    )`);
    await runner.query('CREATE INDEX mails_to_send ON mails (send_at) WHERE send_at IS NOT NULL');
    await runner.query('CREATE INDEX mails_of_user ON mails (user_id, created_at, id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE mails');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The time that the request of an order had. A replica of the version before stores none. */
export class KeepPlacingTime1764200000000 implements MigrationInterface {
  readonly name = 'KeepPlacingTime1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders ADD COLUMN placing_ms integer');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders DROP COLUMN placing_ms');
  }
}

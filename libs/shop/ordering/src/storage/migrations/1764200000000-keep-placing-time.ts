import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The time limit of the request that placed an order. A replica of the previous version stores none. */
export class KeepPlacingTime1764200000000 implements MigrationInterface {
  readonly name = 'KeepPlacingTime1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders ADD COLUMN placing_ms integer');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders DROP COLUMN placing_ms');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateOrders1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "order" (id uuid primary key default gen_random_uuid(), item text not null, quantity integer not null, state text not null default 'placed')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table "order"');
  }
}

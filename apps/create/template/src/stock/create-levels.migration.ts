import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateLevels1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table level (item text primary key, available integer not null check (available >= 0))');
    await runner.query("insert into level values ('tea', 100), ('coffee', 20)");
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table level');
  }
}

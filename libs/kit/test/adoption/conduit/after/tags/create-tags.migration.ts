import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateTags1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table tag (name varchar primary key)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table tag');
  }
}

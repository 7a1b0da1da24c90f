import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateLoans1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table loan (id serial primary key, "bookId" integer not null, reader varchar not null)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table loan');
  }
}

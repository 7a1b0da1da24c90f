import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateBooks1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table book (id serial primary key, title varchar not null, copies integer not null)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table book');
  }
}

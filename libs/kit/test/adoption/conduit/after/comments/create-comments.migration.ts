import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateComments1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table comment (
        id serial primary key,
        "articleId" integer not null,
        "authorId" integer not null,
        body varchar not null,
        "createdAt" timestamptz not null default now(),
        "updatedAt" timestamptz not null default now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table comment');
  }
}

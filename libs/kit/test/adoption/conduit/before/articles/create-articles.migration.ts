import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateArticles1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table article (
        id serial primary key,
        slug varchar not null unique,
        title varchar not null,
        description varchar not null,
        body varchar not null,
        "tagList" varchar[] not null,
        "authorId" integer not null,
        "createdAt" timestamptz not null default now(),
        "updatedAt" timestamptz not null default now()
      )`);
    await runner.query(`
      create table favorite (
        "articleId" integer references article on delete cascade,
        "userId" integer,
        primary key ("articleId", "userId")
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table favorite, article');
  }
}

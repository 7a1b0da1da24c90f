import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateUsers1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table users (
        id serial primary key,
        email varchar not null unique,
        username varchar not null unique,
        "passwordHash" varchar not null,
        bio varchar,
        image varchar
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table users');
  }
}

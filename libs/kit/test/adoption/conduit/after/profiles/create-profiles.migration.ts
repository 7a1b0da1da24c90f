import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateProfiles1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create table follow ("followerId" integer, "followedId" integer, primary key ("followerId", "followedId"))',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table follow');
  }
}

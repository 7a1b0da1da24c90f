import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { Column, Entity, type MigrationInterface, PrimaryColumn, type QueryRunner } from 'typeorm';
import type { BoundedModuleSpec } from '../bus/index.js';
import { defineContract } from '../contract/index.js';
import { listMigrations, type ModuleMigrations, revertMigration, runMigrations, schemaChanges } from '../data/index.js';
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.js';
import { migrationsOf, openDataOf } from './module-data.js';
import { MESSAGING_MIGRATIONS } from './storage/schema.js';

Logger.overrideLogger(false);

@Entity('users')
class User {
  @PrimaryColumn('text') name!: string;
  @Column('integer') age!: number;
}

class CreateUsers1764500000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table users (name text primary key)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table users');
  }
}
class AddAge1764500000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table users add age integer not null default 0');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table users drop age');
    await runner.query('select * from the_table_of_a_test');
  }
}

const SPEC: BoundedModuleSpec = {
  contract: defineContract({ name: 'people' }),
  uses: [],
  entities: [User],
  migrations: [CreateUsers1764500000000, AddAge1764500000001],
};
const GUIDE = fileURLToPath(new URL('../../docs/guides/adopting.md', import.meta.url));
const SERVICE_USER = 'fledge_test_people';

/** The kit's own migrations, as they are listed. */
const kits = (state: string): string[] =>
  MESSAGING_MIGRATIONS.map(({ name }) => `kit ${name.replace(/\d+$/, '')} ${state}`);

describe('the migrations of a module', () => {
  let database: FreshDatabase;
  let owner: Client;
  let people: ModuleMigrations;
  const rows = async (sql: string): Promise<unknown[]> => (await owner.query(sql)).rows;
  const states = async (module = people): Promise<string[]> =>
    (await listMigrations(module)).map(({ name, by, state }) => `${by} ${name.replace(/\d{13}$/, '')} ${state}`);

  beforeEach(async () => {
    database = await freshDatabase();
    people = migrationsOf(SPEC, database.url);
    owner = new Client({ connectionString: database.url });
    await owner.connect();
    // roles belong to the whole server, on which an earlier run may have left it
    await owner.query(
      `do 'begin create role ${SERVICE_USER} login password ''secret''; exception when duplicate_object then null; end'`,
    );
  });
  afterEach(async () => {
    await owner?.end();
    await database?.drop();
  });

  it('are listed without a change to the database', async () => {
    const pending = [...kits('pending'), 'module CreateUsers pending', 'module AddAge pending'];
    expect(await states()).toEqual(pending);
    expect(await rows("select from pg_namespace where nspname = 'people'")).toEqual([]);
    expect(await runMigrations(people)).toEqual([
      ...MESSAGING_MIGRATIONS.map(({ name }) => name),
      'CreateUsers1764500000000',
      'AddAge1764500000001',
    ]);
    expect(await states()).toEqual(pending.map((line) => line.replace('pending', 'applied')));
    await owner.query("insert into people.fledge_migration (timestamp, name) values (1, 'FromTheFuture1')");
    expect((await states()).at(-1)).toBe('module FromTheFuture1 unknown');
    await expect(revertMigration(people)).rejects.toMatchObject({ code: 'fledge.startup.migration-unknown' });
  });

  it("are reverted from the last, each as a whole, but never the kit's", async () => {
    await runMigrations(people);
    await expect(revertMigration(people)).rejects.toMatchObject({
      code: 'fledge.startup.migration-failed',
      message: expect.stringContaining('the_table_of_a_test'),
    });
    // undone with the rest
    expect(await rows("select from information_schema.columns where column_name = 'age'")).toHaveLength(1);
    expect((await states()).at(-1)).toBe('module AddAge applied');
    await owner.query("delete from people.fledge_migration where name like 'AddAge%'");
    expect(await revertMigration(people)).toBe('CreateUsers1764500000000');
    expect(await rows("select from pg_tables where tablename = 'users'")).toEqual([]);
    await expect(revertMigration(people)).rejects.toMatchObject({ code: 'fledge.startup.migration-none' });
    expect(await states()).toEqual([...kits('applied'), 'module CreateUsers pending', 'module AddAge pending']);
  });

  it('are compared with the entities after the older ones have run, and leave out what is not of an entity', async () => {
    await expect(schemaChanges(people)).rejects.toMatchObject({
      code: 'fledge.startup.migration-older',
      data: { pending: ['CreateUsers1764500000000', 'AddAge1764500000001'] },
    });
    const first = { ...people, migrations: [...people.kit, CreateUsers1764500000000] };
    await runMigrations(first);
    expect(await schemaChanges(first)).toEqual({
      up: ['ALTER TABLE "users" ADD "age" integer NOT NULL'],
      down: ['ALTER TABLE "users" DROP COLUMN "age"'],
    });
    await owner.query('alter table people.users add age integer not null; create table people.left_over (id text)');
    expect(await schemaChanges(first)).toEqual({ up: [], down: [] });
  });

  it('are recorded for a table that is moved to them with its rows, as the guide says', async () => {
    await owner.query(
      "create table users (name text primary key, age integer not null); insert into users values ('Ada', 36)",
    );
    expect(await runMigrations(people, { fake: true })).toHaveLength(MESSAGING_MIGRATIONS.length + 2);
    const [, sql = ''] = /```sql\n((?:alter table .*books.*\n)+)/.exec(readFileSync(GUIDE, 'utf8')) ?? [];
    expect(sql.split('\n')).toHaveLength(3);
    await owner.query(sql.replaceAll('books', 'people').replaceAll('.book', '.users'));
    expect(await schemaChanges(people)).toEqual({ up: [], down: [] });
    const data = await openDataOf(SPEC, { url: database.url });
    expect(await data.getRepository(User).find()).toEqual([{ name: 'Ada', age: 36 }]);
    await data.destroy();
  });

  it('name that way out when such a table is there, and they are not recorded', async () => {
    await runMigrations({ ...people, migrations: people.kit });
    await owner.query('set role fledge_people; create table people.users (name text); reset role');
    await expect(runMigrations(people)).rejects.toMatchObject({
      code: 'fledge.startup.migration-failed',
      message: 'a migration of people failed: relation "users" already exists',
      hint: expect.stringContaining('record the migrations that made it: fledge migration run people --fake.'),
    });
  });

  it("make the kit's tables also where the module's own are only recorded", async () => {
    expect(await runMigrations(people, { fake: true })).toHaveLength(MESSAGING_MIGRATIONS.length + 2);
    expect(
      await rows("select from pg_tables where schemaname = 'people' and tablename = 'fledge_outbox'"),
    ).toHaveLength(1);
  });

  it('are not for a user that may only work on rows, who can start when nothing is pending', async () => {
    const url = new URL(database.url);
    [url.username, url.password] = [SERVICE_USER, 'secret'];
    const first = { ...people, migrations: [...people.kit, CreateUsers1764500000000] };
    await runMigrations(first, { serviceUser: SERVICE_USER });
    await expect(openDataOf(SPEC, { url: url.href })).rejects.toMatchObject({
      code: 'fledge.startup.migration-pending',
      data: { pending: ['AddAge1764500000001'] },
      hint: expect.stringContaining('fledge migration run'),
    });
    for (const work of [runMigrations, revertMigration, schemaChanges])
      await expect(work({ ...people, url: url.href })).rejects.toMatchObject({
        code: 'fledge.startup.migration-rights',
      });
    expect(await states({ ...people, url: url.href })).toEqual([
      ...kits('applied'),
      'module CreateUsers applied',
      'module AddAge pending',
    ]);
    // its rights on tables of later migrations come with these
    await runMigrations(people);
    const data = await openDataOf(SPEC, { url: url.href });
    await data.getRepository(User).insert({ name: 'Bob', age: 5 });
    await expect(data.query('create table more (id text)')).rejects.toMatchObject({ code: '42501' });
    await expect(data.query('drop table users')).rejects.toMatchObject({ code: '42501' });
    await expect(data.query('delete from fledge_migration')).rejects.toMatchObject({ code: '42501' });
    await data.destroy();
    await expect(runMigrations(people, { serviceUser: 'nobody_of_this_name' })).rejects.toMatchObject({
      code: 'fledge.startup.service-user',
    });
  });
});

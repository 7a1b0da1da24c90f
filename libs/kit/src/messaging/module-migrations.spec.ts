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
/** May change the tables of the module, but create no role and give none away. */
const MIGRATOR = 'fledge_test_migrator';

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

  /** The URL of the database for another user. */
  const urlOf = (user: string, { url: of } = database): string => {
    const url = new URL(of);
    [url.username, url.password] = [user, 'secret'];
    return url.href;
  };
  /** The roles of rows that have rights in the module's schema. */
  const rowsRoles = async (): Promise<string[]> =>
    (
      await owner.query<{ rolname: string }>(
        "select distinct rolname from pg_namespace, aclexplode(nspacl) acl join pg_roles r on r.oid = acl.grantee where nspname = 'people' and rolname like 'fledgerows%'",
      )
    ).rows.map(({ rolname }) => rolname);
  /** Gives the schema the list that version 0.1 would have left there. */
  const makeOlder = (): Promise<unknown> =>
    owner.query(`set role fledge_people;
      create table people.migration (id serial primary key, timestamp bigint not null, name varchar not null);
      insert into people.migration (timestamp, name) values (1700000000000, 'CreateMessaging1700000000000');
      insert into people.migration (timestamp, name) select timestamp, name from people.fledge_migration where name like 'CreateUsers%';
      reset role`);

  beforeEach(async () => {
    database = await freshDatabase();
    people = migrationsOf(SPEC, database.url);
    owner = new Client({ connectionString: database.url });
    await owner.connect();
    // roles belong to the whole server, on which an earlier run may have left it
    for (const user of [SERVICE_USER, MIGRATOR])
      await owner.query(
        `do 'begin create role ${user} login password ''secret''; exception when duplicate_object then null; end'`,
      );
  });
  afterEach(async () => {
    // this role is of this database alone, and would stay on the server
    for (const role of await rowsRoles()) await owner.query(`drop owned by "${role}"; drop role "${role}"`);
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

  it('are run once by runs that begin at the same time: the others wait, and find nothing to do', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => runMigrations(people)));
    expect(runs.map(({ length }) => length).sort((a, b) => a - b)).toEqual([0, 0, MESSAGING_MIGRATIONS.length + 2]);
    expect(new Set(await states())).toEqual(
      new Set([...kits('applied'), 'module CreateUsers applied', 'module AddAge applied']),
    );
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

  it('run again after a revert also where version 0.1 listed them as done', async () => {
    const first = { ...people, migrations: [...people.kit, CreateUsers1764500000000] };
    await runMigrations(first);
    await makeOlder();
    await owner.query(`create function people.refuse() returns trigger language plpgsql as 'begin raise ''no''; end';
      create trigger refuse before delete on people.fledge_migration for each row execute function people.refuse()`);
    await expect(revertMigration(first)).rejects.toMatchObject({ code: 'fledge.startup.migration-failed' });
    // both names are taken from their lists, or none
    expect(await rows("select from people.migration where name like 'CreateUsers%'")).toHaveLength(1);
    await owner.query('drop function people.refuse cascade');
    expect(await revertMigration(first)).toBe('CreateUsers1764500000000');
    expect((await states(first)).at(-1)).toBe('module CreateUsers pending');
    expect(await rows('select name from people.migration')).toEqual([{ name: 'CreateMessaging1700000000000' }]);
    expect(await runMigrations(first)).toEqual(['CreateUsers1764500000000']);
    expect(await rows("select from pg_tables where schemaname = 'people' and tablename = 'users'")).toHaveLength(1);
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
    const url = urlOf(SERVICE_USER);
    const first = { ...people, migrations: [...people.kit, CreateUsers1764500000000] };
    await runMigrations(first, { serviceUser: SERVICE_USER });
    await expect(openDataOf(SPEC, { url })).rejects.toMatchObject({
      code: 'fledge.startup.migration-pending',
      data: { pending: ['AddAge1764500000001'] },
      hint: expect.stringContaining('fledge migration run'),
    });
    for (const work of [runMigrations, revertMigration, schemaChanges])
      await expect(work({ ...people, url })).rejects.toMatchObject({
        code: 'fledge.startup.migration-rights',
      });
    expect(await states({ ...people, url })).toEqual([
      ...kits('applied'),
      'module CreateUsers applied',
      'module AddAge pending',
    ]);
    // its rights on tables of later migrations come with these
    await runMigrations(people);
    const data = await openDataOf(SPEC, { url });
    await data.getRepository(User).insert({ name: 'Bob', age: 5 });
    await expect(data.query('create table more (id text)')).rejects.toMatchObject({ code: '42501' });
    await expect(data.query('drop table users')).rejects.toMatchObject({ code: '42501' });
    await expect(data.query('delete from fledge_migration')).rejects.toMatchObject({ code: '42501' });
    await data.destroy();
    await expect(runMigrations(people, { serviceUser: 'nobody_of_this_name' })).rejects.toMatchObject({
      code: 'fledge.startup.service-user',
    });
  });

  it('are not marked as done, nor is a sequence set, by a user that may only work on rows', async () => {
    const first = { ...people, migrations: [...people.kit, CreateUsers1764500000000] };
    await runMigrations(first);
    await makeOlder();
    await owner.query('set role fledge_people; create sequence people.tickets; reset role');
    await runMigrations(first, { serviceUser: SERVICE_USER });
    // TypeORM makes its table when it first needs it, which may be later
    await owner.query('set role fledge_people; create table people.typeorm_metadata (name text); reset role');
    await runMigrations(people);
    await owner.query('set role fledge_people; create sequence people.later_tickets; reset role');
    const data = await openDataOf(SPEC, { url: urlOf(SERVICE_USER) });
    try {
      for (const list of ['migration', 'fledge_migration'])
        await expect(data.query(`insert into ${list} (timestamp, name) values (1, 'X1')`)).rejects.toMatchObject({
          code: '42501',
        });
      for (const sql of [
        'delete from migration',
        "update typeorm_metadata set name = 'x'",
        "select setval('tickets', 1)",
        "select setval('later_tickets', 1)",
      ])
        await expect(data.query(sql)).rejects.toMatchObject({ code: '42501' });
      expect(await data.query("select nextval('tickets'), nextval('later_tickets')")).toHaveLength(1);
    } finally {
      await data.destroy();
    }
  });

  it('are listed for such a user also where version 0.1 has a list', async () => {
    await runMigrations(people, { serviceUser: SERVICE_USER });
    await makeOlder();
    // as where the list was there before the rights were given
    await runMigrations(people, { serviceUser: SERVICE_USER });
    const [role] = await rowsRoles();
    const may = `select ${['migration', 'fledge_migration'].map((list) => `has_table_privilege('${role}', 'people.${list}', 'insert, update, delete') as ${list}`).join()}`;
    expect(await rows(may)).toEqual([{ migration: false, fledge_migration: false }]);
    expect(await states({ ...people, url: urlOf(SERVICE_USER) })).toEqual([
      ...kits('applied'),
      'module CreateUsers applied',
      'module AddAge applied',
      'kit CreateMessaging applied',
    ]);
  });

  it('give such a user no rights in another database of the server', async () => {
    const other = await freshDatabase();
    const there = new Client({ connectionString: other.url });
    try {
      await there.connect();
      await runMigrations(migrationsOf(SPEC, other.url), { serviceUser: SERVICE_USER });
      await runMigrations(people, { serviceUser: MIGRATOR });
      await expect(openDataOf(SPEC, { url: urlOf(SERVICE_USER) })).rejects.toMatchObject({
        code: 'fledge.startup.database-privileges',
      });
      const data = await openDataOf(SPEC, { url: urlOf(SERVICE_USER, other) });
      expect(await data.getRepository(User).find()).toEqual([]);
      const [{ role }] = await data.query<[{ role: string }]>('select current_user as role');
      await data.destroy();
      expect(role).toMatch(/^fledgerows_people_[0-9a-f]{8}$/);
      expect(await rowsRoles()).not.toContain(role);
      await there.query(`drop owned by "${role}"; drop role "${role}"`);
    } finally {
      await there.end();
      await other.drop();
    }
  });

  it('give rights by a user that may give none after an administrator has run what the hint says', async () => {
    await runMigrations(people);
    await owner.query(`grant fledge_people to ${MIGRATOR}`);
    const migrator = { ...people, url: urlOf(MIGRATOR) };
    const refused = await runMigrations(migrator, { serviceUser: SERVICE_USER }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'fledge.startup.service-user' });
    const [sql] = /create role .* nologin; grant .* to .*;/.exec((refused as { hint: string }).hint) as RegExpExecArray;
    await owner.query(sql.slice(0, sql.lastIndexOf(';')));
    expect(await runMigrations(migrator, { serviceUser: SERVICE_USER })).toEqual([]);
    const data = await openDataOf(SPEC, { url: urlOf(SERVICE_USER) });
    await data.getRepository(User).insert({ name: 'Bob', age: 5 });
    await data.destroy();
  });
});

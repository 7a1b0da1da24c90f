import { Host, LocalTransport } from '@fledge/kit';
import { databaseRolesSql, moduleRoles } from '@fledge/kit/operations';
import { freshDatabase, type FreshDatabase } from '@fledge/kit/testing';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { shop } from '../src/modules.js';
import { MODULES } from './started-shop.js';

/**
 * SQL that was injected into a module runs with the rights of its login. Earlier it needed only `reset role` to reach
 * every schema and, as a superuser, a shell.
 */
let database: FreshDatabase;
let host: Host;

/** What a module must not do, and what PostgreSQL says to it. */
const DENIED = /permission denied|must be owner|must have|cannot be changed|only roles|not allowed/;

/** The ways to become someone else, each in front of the statement that then tries to use it. */
const ways = (other: string, name: string): readonly string[] => [
  '',
  'reset role',
  'set role none',
  `set role "${moduleRoles(name, other).owner}"`,
  `set role "${moduleRoles(name, other).rows}"`,
  `set role "${moduleRoles(name, other).run}"`,
  `set session authorization "${moduleRoles(name, other).run}"`,
  'set session authorization postgres',
  "select set_config('role', 'none', false)",
  'do $$ begin reset role; end $$',
  'discard all',
];

const read = (other: string): readonly string[] => [
  `select * from "${other}".fledge_outbox`,
  `insert into "${other}".fledge_outbox select * from fledge_outbox`,
  `update "${other}".fledge_outbox set id = id`,
  `delete from "${other}".fledge_outbox`,
  `drop table "${other}".fledge_outbox`,
  `create table "${other}".mine (id int)`,
  `do $$ begin lock table "${other}".fledge_outbox; end $$`,
];

/** Statements that create something, or reach the machine of the server. */
const MAKING: readonly string[] = [
  "copy (select 1) to program 'true'",
  "copy fledge_outbox from program 'true'",
  "copy (select 1) to '/tmp/fledge-injected'",
  "select pg_read_file('/etc/passwd')",
  'select lo_create(0)',
  "select lo_from_bytea(0, 'x')",
  "select lo_import('/etc/passwd')",
  'create table mine (id int)',
  'create temporary table mine (id int)',
  'create schema mine',
  'create role mine',
  'create database mine',
  'create extension pg_trgm',
  "create function mine() returns int language sql as 'select 1'",
  'create view mine as select 1',
  'alter table fledge_outbox add column mine int',
  'drop table fledge_outbox',
  'truncate fledge_outbox',
  'delete from fledge_migration',
  "alter system set log_statement = 'all'",
];

async function sql<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

function urlAs(user: string, password: string): string {
  const url = new URL(database.url);
  [url.username, url.password] = [user, password];
  return url.href;
}

/** Tries statements on one connection of a module, after one that may change who it is; resolves with those that were done. */
async function doneBy(module: string, way: string, texts: readonly string[]): Promise<string[]> {
  const runner = host.module(module).get(DataSource).createQueryRunner();
  const done: string[] = [];
  try {
    // it may be refused: only what follows counts
    if (way !== '') await runner.query(way).catch(() => undefined);
    for (const text of texts) {
      const answer = await runner.query(text).then(
        () => 'it was done',
        (error: Error) => error.message,
      );
      if (!DENIED.test(answer)) done.push(`${module}: ${way} ${text}: ${answer}`);
    }
  } finally {
    await runner.release();
  }
  return done;
}

const open = async (options: { url?: string; modules?: Record<string, string>; logins?: 'own' }): Promise<void> => {
  host = new Host({
    application: shop,
    modules: MODULES,
    transport: new LocalTransport(),
    database: { ...options, poolMax: 2 },
    settings: { identity: { demo: true } },
    logger: false,
  });
  await host.start();
};

/** As an administrator does it: roles by the printed SQL, migrations by one login of each module, work by the other. */
async function openWithUrls(): Promise<void> {
  const name = nameOf(database.url);
  await sql(database.url, databaseRolesSql(name, MODULES));
  // twice, since it may be run again
  await sql(database.url, databaseRolesSql(name, MODULES));
  const urls = { migrate: {} as Record<string, string>, run: {} as Record<string, string> };
  for (const module of MODULES)
    for (const purpose of ['migrate', 'run'] as const) {
      const role = moduleRoles(name, module)[purpose];
      await sql(database.url, `alter role "${role}" password '${role}'`);
      urls[purpose][module] = urlAs(role, role);
    }
  await open({ modules: urls.migrate });
  await host.close();
  // what `fledge migration run` does after each migration, here by a start
  await open({ modules: urls.run });
}

describe.each([
  ['logins that the host makes with the rights of the server', () => open({ url: database.url, logins: 'own' })],
  ['a URL for each module, of logins that `fledge database roles` makes', openWithUrls],
])('with %s', (_, start) => {
  beforeAll(async () => {
    database = await freshDatabase();
    await start();
  });

  afterAll(async () => {
    await host.close();
    await database.drop();
  });

  it('no SQL in a module reaches the tables of another, makes anything, or reaches the machine', async () => {
    const name = nameOf(database.url);
    const done: string[] = [];
    for (const module of MODULES) {
      const others = MODULES.filter((one) => one !== module);
      for (const way of ['', 'set role none'])
        done.push(...(await doneBy(module, way, [...others.flatMap(read), ...MAKING])));
      const [other = ''] = others;
      for (const way of ways(other, name)) done.push(...(await doneBy(module, way, read(other).slice(0, 1))));
      // and the module goes on working
      expect(
        await host.module(module).get(DataSource).query('select count(*)::int as n from fledge_outbox'),
      ).toHaveLength(1);
    }
    expect(done).toEqual([]);
  });

  it('each module logs in as itself, without a role of another', async () => {
    for (const module of MODULES) {
      const { run, rows } = moduleRoles(nameOf(database.url), module);
      const [me] = await host
        .module(module)
        .get(DataSource)
        .query<object[]>(
          `select session_user::text as login, current_user::text as role, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
           array(select r.rolname::text from pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = me.oid) as groups
           from pg_roles me where rolname = session_user`,
        );
      expect(me).toEqual({
        login: run,
        role: rows,
        rolsuper: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolbypassrls: false,
        groups: [rows],
      });
    }
  });
});

import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import {
  Column,
  type DataSource,
  Entity,
  type MigrationInterface,
  PrimaryGeneratedColumn,
  type QueryRunner,
} from 'typeorm';
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.js';
import { moduleRoles, openModuleData, type ModuleDataOptions } from './index.js';
import { makeOwnLogins } from './own-logins.js';

@Entity('note')
class NoteRow {
  @PrimaryGeneratedColumn('uuid') id!: string;
  @Column() text!: string;
}

class Notes1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table note (id uuid primary key default gen_random_uuid(), text text not null)');
  }
  async down(): Promise<void> {}
}

class More1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table more (login text default session_user)');
    await runner.query('insert into more default values');
  }
  async down(): Promise<void> {}
}

Logger.overrideLogger(false);

let database: FreshDatabase;
const open: DataSource[] = [];

beforeEach(async () => {
  database = await freshDatabase();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((source) => source.destroy()));
  await database.drop();
});

async function notes(options: Partial<ModuleDataOptions> = {}): Promise<DataSource> {
  const source = await openModuleData({
    module: 'alpha',
    url: database.url,
    entities: [NoteRow],
    migrations: [Notes1700000000000],
    poolMax: 1,
    ...options,
  });
  open.push(source);
  return source;
}

async function asServer<Row extends object>(text: string, url = database.url): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

const WHO = 'select session_user::text as login, current_user::text as role';
const roles = () => moduleRoles(new URL(database.url).pathname.slice(1), 'alpha');

describe('the own logins of a module', () => {
  it('work on rows and change no table, and another login migrates', async () => {
    const source = await notes({ logins: 'own' });
    await source.getRepository(NoteRow).save({ text: 'mine' });
    expect(await source.query(WHO)).toEqual([{ login: roles().run, role: roles().rows }]);
    await expect(source.query('alter table note add column x int')).rejects.toThrow('must be owner of table note');
    const later = await notes({ logins: 'own', migrations: [Notes1700000000000, More1700000000001] });
    expect(await later.query('select login from more')).toEqual([{ login: roles().migrate }]);
  });

  it('are the same for each replica', async () => {
    const [first, second] = await Promise.all([notes({ logins: 'own' }), notes({ logins: 'own' })]);
    const third = await notes({ logins: 'own' });
    for (const source of [first, second, third]) {
      // a connection that is lost is made again, with the password of the first start
      await source.query('select pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
      expect(await source.query(WHO)).toEqual([{ login: roles().run, role: roles().rows }]);
    }
  });

  it('take over a schema that was made with one user for all, and can be left again', async () => {
    await (await notes()).getRepository(NoteRow).save({ text: 'older' });
    const own = await notes({ logins: 'own' });
    await own.query("insert into note (text) values ('newer')");
    await expect(own.query("insert into fledge_migration (timestamp, name) values (1, 'x')")).rejects.toThrow(
      'permission denied',
    );
    expect(await (await notes()).query('select text from note order by text')).toEqual([
      { text: 'newer' },
      { text: 'older' },
    ]);
  });

  it('are made by a user who is no superuser, in a database that is closed to others', async () => {
    const name = new URL(database.url).pathname.slice(1);
    const maker = `maker_${name}`;
    await asServer(`create role ${maker} login createrole password 'maker'`);
    await asServer(`revoke all on database ${name} from public`);
    await asServer(`alter database ${name} owner to ${maker}`);
    try {
      const url = new URL(database.url);
      [url.username, url.password] = [maker, 'maker'];
      // of this database alone: the roles of others are not this user's to give
      const schema = `alpha_${name}`;
      const source = await notes({ logins: 'own', url: url.href, schema });
      const { run, rows } = moduleRoles(name, schema);
      await source.getRepository(NoteRow).save({ text: 'mine' });
      expect(await source.query(WHO)).toEqual([{ login: run, role: rows }]);
      await expect(source.query('create temporary table mine (id int)')).rejects.toThrow('permission denied');
    } finally {
      await Promise.all(open.splice(0).map((one) => one.destroy()));
      const server = new URL(database.url);
      server.pathname = '/postgres';
      await database.drop();
      // roles that it has made may keep it, and the server is thrown away after the tests
      await asServer(`drop role if exists ${maker}`, server.href).catch(() => undefined);
      database = await freshDatabase();
    }
  });

  // PostgreSQL's own error named neither the module nor what to do.
  it('are refused to a user who may not make them, with the right that is missing', async () => {
    const name = new URL(database.url).pathname.slice(1);
    const schema = `alpha_${name}`;
    await notes({ schema });
    const { owner, rows } = moduleRoles(name, schema);
    const user = `plain_${name}`;
    await asServer(`create role ${user} login password 'plain'; grant ${owner} to ${user}`);
    const url = new URL(database.url);
    [url.username, url.password] = [user, 'plain'];
    await expect(notes({ logins: 'own', url: url.href, schema })).rejects.toMatchObject({
      code: 'fledge.startup.own-logins',
      message: `alpha is to log in as its own role, and the database user "${user}" may not make it: permission denied to create role`,
      hint: expect.stringMatching(
        new RegExp(
          `alter role "${user}" createrole; .* grant "${owner}", "${rows}", .* to "${user}" with admin option`,
        ),
      ) as string,
    });
  });

  it('need a password to derive theirs from', async () => {
    const home = { module: 'alpha', schema: 'alpha', role: 'fledge_alpha' };
    await expect(makeOwnLogins(new Client(), 'postgres://maker@127.0.0.1/shop', home)).rejects.toMatchObject({
      code: 'fledge.startup.own-logins',
      message: expect.stringContaining('alpha is to log in as its own role') as string,
    });
  });
});

describe.each([['own'], ['shared']] as const)('with %s logins, a connection', (logins) => {
  it.each([
    ['set role', (runner: QueryRunner) => runner.query('set role none')],
    [
      'a role set in a block',
      (runner: QueryRunner) => runner.query("do $$ begin execute 'set ro' || 'le none'; end $$"),
    ],
    ['a setting', (runner: QueryRunner) => runner.query("select set_config('ro' || 'le', 'none', false)")],
  ])('whose role was changed by %s is not used again', async (_, change) => {
    const source = await notes({ logins });
    const before = await source.query<object[]>(`${WHO}, pg_backend_pid() as pid`);
    const runner = source.createQueryRunner();
    await change(runner);
    expect(await runner.query(WHO)).not.toEqual([{ ...before[0], pid: undefined }]);
    await runner.release();
    const [after] = await source.query<object[]>(`${WHO}, pg_backend_pid() as pid`);
    expect({ ...after, pid: 0 }).toEqual({ ...before[0], pid: 0 });
    expect(after).not.toEqual(before[0]);
  });

  it('that was only asked about roles is used again', async () => {
    const source = await notes({ logins });
    const before = await source.query(`${WHO}, pg_backend_pid() as pid`);
    await source.query("select 'a role'");
    expect(await source.query(`${WHO}, pg_backend_pid() as pid`)).toEqual(before);
  });
});

import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type MigrationInterface, type QueryRunner } from 'typeorm';
import { POOL_MAX_LIMIT } from '../contract/index.js';
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.js';
import { MIGRATION_WAIT_MS, openModuleData, STATEMENT_TIMEOUT_MS, type ModuleDataOptions } from './index.js';

@Entity('note')
class NoteRow {
  @PrimaryGeneratedColumn('uuid') id!: string;
  @Column() text!: string;
}

@Entity({ name: 'note', schema: 'alpha' })
class ForeignRow {
  @PrimaryGeneratedColumn('uuid') id!: string;
}

class Notes1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table note (id uuid primary key default gen_random_uuid(), text text not null)');
    // a slow migration makes concurrent starts of replicas overlap
    await runner.query('select pg_sleep(0.3)');
  }
  async down(): Promise<void> {}
}

class Broken1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table half (id int)');
    await runner.query('create tible whole (id int)');
  }
  async down(): Promise<void> {}
}

class Named implements MigrationInterface {
  readonly name = 'told1700000000002';
  async up(): Promise<void> {}
  async down(): Promise<void> {}
}

// this file tests lost connections and failed migrations; their log lines would only be noise
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

describe('the data of a module', () => {
  it('is in its own schema, which its role owns', async () => {
    const alpha = await notes('alpha');
    const saved = await alpha.getRepository(NoteRow).save({ text: 'mine' });
    expect(saved.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await asOwner('select text from alpha.note')).toEqual([{ text: 'mine' }]);
    expect(await alpha.query('select current_user::text as role, current_schema()::text as schema')).toEqual([
      { role: 'fledge_alpha', schema: 'alpha' },
    ]);
  });

  it("is refused to every other module's queries, however they are written", async () => {
    await notes('alpha');
    const beta = await notes('beta');
    await expect(beta.query('select * from alpha.note')).rejects.toThrow('permission denied for schema alpha');
    await expect(beta.query('insert into alpha.note (text) values ($1)', ['x'])).rejects.toThrow(
      'permission denied for schema alpha',
    );
    await expect(beta.query('select n.text from note n join alpha.note a using (id)')).rejects.toThrow(
      'permission denied for schema alpha',
    );
    await expect(beta.query('create table child (id uuid references alpha.note)')).rejects.toThrow(
      'permission denied for schema alpha',
    );
    await expect(beta.transaction((manager) => manager.query('select * from alpha.note'))).rejects.toThrow(
      'permission denied for schema alpha',
    );
    await expect(beta.query('create schema gamma')).rejects.toThrow('permission denied');
    await expect(beta.query('create table public.loose (id int)')).rejects.toThrow(
      'permission denied for schema public',
    );
  });

  it('is fenced even if the URL has its own options, which are kept', async () => {
    const url = new URL(database.url);
    url.searchParams.set('options', '-c work_mem=5MB -c role=postgres');
    const alpha = await notes('alpha', { url: url.href });
    expect(await alpha.query("select current_user::text as role, current_setting('work_mem') as memory")).toEqual([
      { role: 'fledge_alpha', memory: '5MB' },
    ]);
  });

  it("has a table for each entity, or the start is refused: the entity is most likely another module's", async () => {
    await notes('alpha');
    await expect(notes('beta', { migrations: [Named] })).rejects.toMatchObject({
      code: 'fledge.startup.entity-table',
      message: "beta has the entity NoteRow but no table 'note'",
      data: { module: 'beta', entity: 'NoteRow', table: 'note' },
    });
  });

  it('is prepared and migrated once when four replicas start at the same moment', async () => {
    const replicas = await Promise.all([1, 2, 3, 4].map(() => notes('alpha')));
    expect(await asOwner('select name from alpha.fledge_migration')).toEqual([{ name: 'Notes1700000000000' }]);
    for (const replica of replicas) expect(await replica.getRepository(NoteRow).count()).toBe(0);
  });

  // They opened their own data source at every start of every module.
  it('runs migrations only when some are pending', async () => {
    const run = jest.spyOn(DataSource.prototype, 'runMigrations');
    try {
      await notes('alpha');
      expect(run).toHaveBeenCalledTimes(1);
      const again = await notes('alpha');
      expect(run).toHaveBeenCalledTimes(1);
      expect(await again.getRepository(NoteRow).count()).toBe(0);
      await notes('alpha', { migrations: [Notes1700000000000, Named] });
      expect(run).toHaveBeenCalledTimes(2);
      await notes('alpha', { migrations: [Named] });
      expect(run).toHaveBeenCalledTimes(2);
      expect(await asOwner('select name from alpha.fledge_migration order by 1')).toEqual([
        { name: 'Notes1700000000000' },
        { name: 'told1700000000002' },
      ]);
    } finally {
      run.mockRestore();
    }
  });

  it('cannot have two migrations with one name, even when the first one is done', async () => {
    await notes('alpha');
    await expect(notes('alpha', { migrations: [Notes1700000000000, Notes1700000000000] })).rejects.toMatchObject({
      message: expect.stringContaining('Duplicate migrations: Notes1700000000000'),
    });
  });

  it('is prepared for many modules and databases at once, although roles belong to the whole server', async () => {
    const others = await Promise.all([1, 2, 3].map(() => freshDatabase()));
    try {
      const names = ['delta', 'epsilon', 'zeta-2'];
      const urls = [database, ...others].map(({ url }) => url);
      const sources = await Promise.all(
        urls.flatMap((url) => names.map((name) => notes(name, { url, entities: [], migrations: [] }))),
      );
      expect(sources).toHaveLength(12);
    } finally {
      await Promise.all(open.splice(0).map((source) => source.destroy()));
      await Promise.all(others.map((other) => other.drop()));
    }
  });

  it('is prepared while another database of the server creates the same role', async () => {
    await whileUncommitted(database.url, 'create role fledge_iota nologin', () => notes('iota'));
  });

  it('is prepared by an owner who is not a superuser, even while another start grants it the role', async () => {
    const owner = await plainUser('plain_owner', 'createrole');
    await asOwner(`grant create on database ${databaseName()} to plain_owner`);
    const source = await notes('eta', { url: owner });
    expect(await source.query('select current_user::text as role')).toEqual([{ role: 'fledge_eta' }]);

    await asOwner('create role fledge_kappa nologin; grant fledge_kappa to plain_owner with admin option, set false');
    await inSession(owner, 'grant fledge_kappa to current_user with set false');
    await whileUncommitted(owner, 'grant fledge_kappa to current_user with set true', () =>
      notes('kappa', { url: owner }),
    );
  });

  it('once prepared, needs only a user who is a member of the role and may create nothing', async () => {
    await notes('eta');
    const member = await plainUser('plain_member', 'nocreaterole');
    await asOwner('grant fledge_eta to plain_member with inherit false');
    const source = await notes('eta', { url: member });
    expect(await source.getRepository(NoteRow).count()).toBe(0);
    await expect(notes('theta', { url: member })).rejects.toMatchObject({
      code: 'fledge.startup.database-privileges',
      hint: expect.stringContaining('create role "fledge_theta" nologin; grant "fledge_theta" to'),
    });
  });

  it('makes its first tables in a schema that an administrator prepared, as a member who inherits nothing', async () => {
    const member = await plainUser('plain_member', 'nocreaterole');
    await asOwner(
      'create role fledge_lambda nologin; grant fledge_lambda to plain_member with inherit false; create schema lambda authorization fledge_lambda',
    );
    const source = await notes('lambda', { url: member });
    expect(await source.getRepository(NoteRow).count()).toBe(0);
  });

  it('is not opened over a schema that belongs to somebody else', async () => {
    await asOwner('create schema alpha');
    await expect(notes('alpha')).rejects.toMatchObject({
      code: 'fledge.startup.schema-owner',
      message: "the schema 'alpha' of alpha belongs to postgres, not to the module's role fledge_alpha",
    });
  });

  it('may be stored under another name', async () => {
    const source = await notes('alpha', { schema: 'blue_alpha' });
    expect(await source.query('select current_schema()::text as schema')).toEqual([{ schema: 'blue_alpha' }]);
  });

  it.each(['public', 'pg_toast', 'information_schema', 'Alpha', 'a b', 'a"; drop'])(
    'cannot be stored in a schema named %s',
    async (schema) => {
      await expect(notes('alpha', { schema })).rejects.toMatchObject({ code: 'fledge.startup.schema-name' });
    },
  );

  it('cannot have an entity that names another schema', async () => {
    await notes('alpha');
    await expect(notes('beta', { entities: [NoteRow, ForeignRow] })).rejects.toMatchObject({
      code: 'fledge.startup.entity-schema',
      message: "the entity ForeignRow names 'alpha', but its module has tables only in the schema 'beta'",
    });
    expect(await connections('beta')).toBe(0);
  });

  it('keeps the migrations before the failing one, and nothing of that one', async () => {
    const failing = notes('alpha', { migrations: [Notes1700000000000, Broken1700000000001] });
    await expect(failing).rejects.toMatchObject({
      code: 'fledge.startup.migration-failed',
      message: 'a migration of alpha failed: syntax error at or near "tible"',
      data: { sql: 'create tible whole (id int)' },
    });
    expect(await asOwner("select tablename from pg_tables where schemaname = 'alpha' order by 1")).toEqual([
      { tablename: 'fledge_migration' },
      { tablename: 'note' },
    ]);
    expect(await connections('alpha')).toBe(0);
  });
});

describe('the pool of a module', () => {
  it('distinguishes a busy pool from a fault', async () => {
    const alpha = await notes('alpha', { poolMax: 1 });
    await alpha.transaction(async () => {
      const elsewhere = alpha.createQueryRunner();
      await expect(elsewhere.connect()).rejects.toMatchObject({
        code: 'fledge.database-unavailable',
        kind: 'unavailable',
        outcome: 'not-run',
      });
    });
    await expect(alpha.query('select 1 as one')).resolves.toEqual([{ one: 1 }]);
  });

  it.each([0, -1, 1.5, POOL_MAX_LIMIT + 1])('cannot be set to %d connections', async (poolMax) => {
    await expect(notes('alpha', { poolMax })).rejects.toMatchObject({ code: 'fledge.startup.pool-max' });
  });

  it('holds as many connections as configured, and no more', async () => {
    const alpha = await notes('alpha', { poolMax: 3 });
    await Promise.all(Array.from({ length: 9 }, () => alpha.query('select pg_sleep(0.05)')));
    expect(await connections('alpha')).toBe(3);
  });

  it('limits each statement', async () => {
    const alpha = await notes('alpha');
    expect(await alpha.query("select setting::int as ms from pg_settings where name = 'statement_timeout'")).toEqual([
      { ms: STATEMENT_TIMEOUT_MS },
    ]);
    expect(MIGRATION_WAIT_MS).toBeGreaterThan(STATEMENT_TIMEOUT_MS);
  });

  it('survives the loss of its connections, idle and in use', async () => {
    const alpha = await notes('alpha');
    const lost = alpha.transaction(async (manager) => {
      await manager.query('select 1');
      await cutConnections('alpha');
      await manager.query('select 2');
    });
    await expect(lost).rejects.toThrow(/terminat|released/);
    await Promise.all([alpha.query('select 1'), alpha.query('select 1')]);
    await cutConnections('alpha');
    // the pool may still hold a connection whose end it has not noticed yet
    await alpha.query('select 1').catch(() => undefined);
    expect(await alpha.query('select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('an unreachable database ends in one clear error:', () => {
  it('a server that is not there', async () => {
    await expect(notes('alpha', { url: 'postgres://me:secret@127.0.0.1:1/shop' })).rejects.toMatchObject({
      code: 'fledge.startup.database-unreachable',
      message: 'cannot connect to the database at 127.0.0.1:1/shop: connect ECONNREFUSED 127.0.0.1:1',
    });
  });

  it('a wrong password, which is not printed', async () => {
    const url = new URL(database.url);
    url.password = 'wrong-secret';
    const failure: unknown = await notes('alpha', { url: url.href }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'fledge.startup.database-unreachable',
      message: expect.stringContaining('password authentication failed'),
    });
    expect(JSON.stringify(failure) + String(failure)).not.toContain('wrong-secret');
  });

  it('an address that is not a URL', async () => {
    await expect(notes('alpha', { url: '' })).rejects.toMatchObject({
      code: 'fledge.startup.database-unreachable',
      message: expect.stringContaining('an address that is not a URL'),
    });
  });
});

async function notes(module: string, options: Partial<ModuleDataOptions> = {}): Promise<DataSource> {
  const source = await openModuleData({
    module,
    url: database.url,
    entities: [NoteRow],
    migrations: [Notes1700000000000],
    ...options,
  });
  open.push(source);
  return source;
}

function databaseName(): string {
  return new URL(database.url).pathname.slice(1);
}

/** Recreates a user who is not a superuser, and returns the user's URL. */
async function plainUser(name: string, attributes: string): Promise<string> {
  await asOwner(`drop role if exists ${name}; create role ${name} login ${attributes} password 'x'`);
  const url = new URL(database.url);
  url.username = name;
  url.password = 'x';
  return url.href;
}

/** Runs `work` against another session's change, which is committed as soon as the work waits for it. */
async function whileUncommitted(url: string, sql: string, work: () => Promise<unknown>): Promise<void> {
  const other = new Client({ connectionString: url });
  await other.connect();
  try {
    await other.query('begin');
    await other.query(sql);
    const done = work();
    const limit = Date.now() + 10_000;
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    while ((await asOwner(waiting)).length === 0) if (Date.now() > limit) throw new Error(`nothing waits for: ${sql}`);
    await other.query('commit');
    await done;
  } finally {
    await other.end();
  }
}

function asOwner(sql: string): Promise<unknown[]> {
  return inSession(database.url, sql);
}

async function inSession(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

async function connections(module: string): Promise<number> {
  const [row] = (await asOwner(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name like 'fledge:${module}%'`,
  )) as { count: number }[];
  return row?.count ?? -1;
}

async function cutConnections(module: string): Promise<void> {
  await asOwner(
    `select pg_terminate_backend(pid, 1000) from pg_stat_activity where datname = current_database() and application_name = 'fledge:${module}'`,
  );
}

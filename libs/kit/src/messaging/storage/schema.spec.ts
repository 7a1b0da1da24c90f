import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { type MigrationClass, type ModuleDataSource, openModuleData } from '../../data/index.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import { OLDER_MIGRATIONS } from './older-schema.js';
import { MESSAGING_MIGRATIONS } from './schema.js';

/** A module's own tables, named like the kit's in version 0.1. */
class OwnTables1700000000100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const name of ['outbox', 'inbox', 'process', 'timer', 'singleton', 'dead_letter', 'migration'])
      await runner.query(`create table ${name} (id int primary key)`);
  }

  down(): Promise<void> {
    throw new Error('not needed');
  }
}

const COLUMNS = `
select c.relname || '.' || a.attname as name, format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text || ' ' || a.attidentity::text || ' ' ||
  coalesce(pg_get_expr(d.adbin, d.adrelid), '') as is
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' order by 1`;
const INDEXES = `
select indexname as name, replace(indexdef, current_schema() || '.', '') as is from pg_indexes where schemaname = current_schema() order by 1`;
const CONSTRAINTS = `
select conname as name, pg_get_constraintdef(oid) as is from pg_constraint where connamespace = current_schema()::regnamespace order by 1, 2`;
const SEQUENCES = `select sequencename as name from pg_sequences where schemaname = current_schema() order by 1`;

let database: FreshDatabase;
beforeEach(async () => (database = await freshDatabase()));
/** What a test opened: a failed one leaves it open, and it would keep the run from ending. */
const opened: (ModuleDataSource | Client)[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) {
    if (one instanceof Client) await one.end();
    else if (one.isInitialized) await one.destroy();
  }
  await database.drop();
});

async function open(module: string, migrations: readonly MigrationClass[]): Promise<ModuleDataSource> {
  const source = await openModuleData({ module, url: database.url, entities: [], migrations });
  opened.push(source);
  return source;
}

async function connect(options?: string): Promise<Client> {
  const client = new Client({ connectionString: database.url, ...(options !== undefined && { options }) });
  await client.connect();
  opened.push(client);
  return client;
}

async function all(source: ModuleDataSource): Promise<unknown> {
  // TypeORM chooses the name of this table's primary key
  await source.query('drop table fledge_migration');
  const parts: unknown[] = [];
  for (const statement of [COLUMNS, INDEXES, CONSTRAINTS, SEQUENCES]) parts.push(await source.query(statement));
  await source.destroy();
  return parts;
}

/** Creates the tables of version 0.1 after its first `count` migrations, and its list of them. */
async function makeOlder(module: string, count: number): Promise<Client> {
  await (await open(module, [])).destroy();
  const client = await connect(`-c search_path=${module} -c role=fledge_${module}`);
  await client.query(
    'create table migration (id serial primary key, timestamp bigint not null, name varchar not null)',
  );
  for (const Migration of OLDER_MIGRATIONS.slice(0, count)) {
    await new Migration().up({
      query: async (text: string) => (await client.query(text)).rows,
    } as unknown as QueryRunner);
    await client.query('insert into migration (timestamp, name) values (1, $1)', [Migration.name]);
  }
  return client;
}

it('leaves all names without the prefix to the module', async () => {
  const source = await open('own', [...MESSAGING_MIGRATIONS, OwnTables1700000000100]);
  const kits = await source.query(
    "select relname from pg_class where relnamespace = 'own'::regnamespace and relkind = 'r' and relname not like 'fledge\\_%'",
  );
  expect(kits).toHaveLength(7);
  await source.destroy();
  // including where such tables existed first
  const client = await connect();
  await (await open('adopted', [])).destroy();
  await client.query(
    'create table adopted.outbox (id int primary key); alter table adopted.outbox owner to fledge_adopted',
  );
  await client.query(
    'create table adopted.migration (id int primary key); alter table adopted.migration owner to fledge_adopted',
  );
  await client.end();
  const adopted = await open('adopted', MESSAGING_MIGRATIONS);
  expect(
    await adopted.query(
      'select count(*)::int as columns from pg_attribute where attrelid = to_regclass($1) and attnum > 0',
      ['outbox'],
    ),
  ).toEqual([{ columns: 1 }]);
  await adopted.destroy();
});

it.each(OLDER_MIGRATIONS.map((_, index) => index + 1))(
  'upgrades the tables of version 0.1 after %i of its migrations, with everything in them',
  async (count) => {
    const fresh = await all(await open('fresh', MESSAGING_MIGRATIONS));
    const client = await makeOlder('older', count);
    await client.query(
      "insert into outbox (kind, name, key, partition, payload) values ('event', 'a.b.v1', 'k', 3, 'sent')",
    );
    await client.query("insert into timer (process, key, name, due_at) values ('p', 'k', 't', now())");
    await client.query("insert into message_consumer (name, kind, takes) values ('c', 'event', '{a.b}')");
    await client.end();
    const source = await open('older', MESSAGING_MIGRATIONS);
    expect(await source.query('select seq, payload from fledge_outbox')).toEqual([{ seq: '1', payload: 'sent' }]);
    expect(await source.query('select name from fledge_timer')).toEqual([{ name: 't' }]);
    expect(await source.query('select name from fledge_consumer')).toEqual([{ name: 'c' }]);
    expect(
      await source.query(
        "insert into fledge_outbox (kind, name, key, partition, payload) values ('event', 'a', 'k', 0, '') returning seq",
      ),
    ).toEqual([{ seq: '2' }]);
    // that version's own list is kept
    await source.query('drop table migration');
    expect(await all(source)).toEqual(JSON.parse(JSON.stringify(fresh).replaceAll('fresh', 'older')));
  },
);

it('assumes that an older version has deleted everything older than its oldest row', async () => {
  const client = await makeOlder('older', 1);
  await client.query(
    `insert into outbox (kind, name, key, partition, payload, created_at) select 'event', 'a.b.v1', 'k', 0, '{}', ('2026-01-0' || n || 'T00:00:00Z')::timestamptz from generate_series(1, 3) n`,
  );
  await client.query('delete from outbox where seq = 1');
  await client.end();
  const source = await open('older', MESSAGING_MIGRATIONS);
  expect(await source.query('select created_until from fledge_outbox_deleted')).toEqual([
    { created_until: new Date('2026-01-02T00:00:00Z') },
  ]);
  await source.destroy();
});

it('waits for replicas of version 0.1 that are ending, and refuses to start next to one that runs', async () => {
  const replica = await makeOlder('older', OLDER_MIGRATIONS.length);
  await replica.query(
    "insert into message_replica (replica, line, joined, groups, healthy, knows) values ('00000000-0000-4000-8000-000000000001', 4711, 0, '{}', true, '{}')",
  );
  await replica.query('select pg_advisory_lock(4711)');
  await expect(open('older', MESSAGING_MIGRATIONS)).rejects.toMatchObject({
    code: 'fledge.startup.migration-failed',
    message: expect.stringMatching(
      /replicas of an older version of Fledge run \(0{8}-.*stop all of them, then start this version/,
    ),
  });
  expect((await replica.query('select 1 from message_replica')).rowCount).toBe(1);
  const starting = open('older', MESSAGING_MIGRATIONS);
  await replica.end();
  await (await starting).destroy();
});

// The list was copied once, when the start was refused; what 0.1 did afterwards would have been done again.
it('knows what a replica of version 0.1 did after it had refused to start beside it', async () => {
  class OwnBill1700000000200 implements MigrationInterface {
    async up(runner: QueryRunner): Promise<void> {
      await runner.query('create table if not exists bill (id int); insert into bill values (1)');
    }

    down(): Promise<void> {
      throw new Error('not needed');
    }
  }
  const replica = await makeOlder('older', OLDER_MIGRATIONS.length);
  await replica.query(
    "insert into message_replica (replica, line, joined, groups, healthy, knows) values (gen_random_uuid(), 4712, 0, '{}', true, '{}')",
  );
  await replica.query('select pg_advisory_lock(4712)');
  const migrations = [...MESSAGING_MIGRATIONS, OwnBill1700000000200];
  await expect(open('older', migrations)).rejects.toMatchObject({ code: 'fledge.startup.migration-failed' });
  await replica.query('create table bill (id int); insert into bill values (1)');
  await replica.query("insert into migration (timestamp, name) values (2, 'OwnBill1700000000200')");
  await replica.end();
  const source = await open('older', migrations);
  expect(await source.query('select id from bill')).toEqual([{ id: 1 }]);
  await source.destroy();
});

it.each([
  ['of other types', 'create table migration (id serial, timestamp timestamptz, name text)'],
  [
    'with nothing of the kit in it',
    'create table migration (id serial, timestamp bigint, name varchar); insert into migration (name) values (null)',
  ],
])("lets a module's own table 'migration' be, %s", async (_how, statement) => {
  await (await open('adopted', [])).destroy();
  const client = await connect('-c search_path=adopted -c role=fledge_adopted');
  await client.query(statement);
  await client.end();
  await (await open('adopted', MESSAGING_MIGRATIONS)).destroy();
});

import { openModuleData, type ModuleDataSource } from '../../data/index.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import { sweep, SWEEP_ROWS_MAX } from './retention.js';
import { MESSAGING_MIGRATIONS } from '../storage/schema.js';
import { sqlOf } from '../storage/sql.js';

const KEPT = { sentMs: 60_000, handledMs: 120_000, deadLettersMs: 180_000, processesMs: 240_000 };

describe('retention', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;

  beforeAll(async () => {
    database = await freshDatabase();
    source = await openModuleData({
      module: 'kept',
      url: database.url,
      entities: [],
      migrations: MESSAGING_MIGRATIONS,
    });
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  const ago = (seconds: number): string => `clock_timestamp() - interval '${seconds} seconds'`;
  const count = async (table: string): Promise<number> =>
    Number((await source.query<{ count: string }[]>(`select count(*) from ${table}`))[0]?.count);

  it('deletes sent messages in batches, and none that wait', async () => {
    await source.query(
      `insert into fledge_outbox (kind, name, key, partition, payload, sent_at) select 'event', 'a.b.v1', 'k', 0, '{}', ${ago(61)} from generate_series(1, ${SWEEP_ROWS_MAX + 5})`,
    );
    await source.query(
      `insert into fledge_outbox (kind, name, key, partition, payload, sent_at, created_at) values ('event', 'a.b.v1', 'k', 0, '{}', ${ago(59)}, now()), ('event', 'a.b.v1', 'k', 0, '{}', null, ${ago(9_999)})`,
    );
    expect(await sweep(sqlOf(source), KEPT)).toBe(SWEEP_ROWS_MAX + 5);
    expect(await count('fledge_outbox')).toBe(2);
  });

  it('records up to when it has deleted sent messages', async () => {
    await source.query(
      `insert into fledge_outbox (kind, name, key, partition, payload, created_at, sent_at) values ('event', 'a.b.v1', 'k', 0, '{}', '2026-01-02T03:04:05Z', ${ago(61)}), ('event', 'a.b.v1', 'k', 0, '{}', '2026-01-01T00:00:00Z', ${ago(61)})`,
    );
    await source.query('delete from fledge_outbox_deleted');
    await sweep(sqlOf(source), KEPT);
    await source.query(
      `insert into fledge_outbox (kind, name, key, partition, payload, created_at, sent_at) values ('event', 'a.b.v1', 'k', 0, '{}', '2026-01-01T00:00:00Z', ${ago(61)})`,
    );
    await sweep(sqlOf(source), KEPT);
    expect(await source.query('select created_until from fledge_outbox_deleted')).toEqual([
      { created_until: new Date('2026-01-02T03:04:05Z') },
    ]);
  });

  it('deletes keys and counts of requests after the time that each is kept', async () => {
    const insert = `insert into fledge_idempotency (scope, key, digest, claim, claimed_until, expires_at) values ('s', $1, 'd', gen_random_uuid(), clock_timestamp(), clock_timestamp() + $2 * interval '1 s')`;
    for (const [key, s] of [
      ['old', -1],
      ['new', 600],
    ]) {
      await source.query(insert, [key, s]);
      await source.query(
        "insert into fledge_rate (key, resets_at, used) values ($1, clock_timestamp() + $2 * interval '1 s', 1)",
        [key, s],
      );
    }
    await sweep(sqlOf(source), KEPT);
    for (const table of ['fledge_idempotency', 'fledge_rate'])
      expect(await source.query(`select key from ${table}`)).toEqual([{ key: 'new' }]);
  });

  it('deletes messages resent by hand before their consumers forget that they have handled them', async () => {
    const before = await count('fledge_outbox');
    await source.query(
      `insert into fledge_outbox (kind, name, key, partition, payload, created_at, sent_at) values ('event', 'a.b.v1', 'k', 0, '{}', ${ago(121)}, ${ago(1)}), ('event', 'a.b.v1', 'k', 0, '{}', ${ago(119)}, ${ago(1)}), ('event', 'a.b.v1', 'k', 0, '{}', ${ago(121)}, null)`,
    );
    expect(await sweep(sqlOf(source), KEPT)).toBe(1);
    expect(await count('fledge_outbox')).toBe(before + 2);
  });

  it('deletes handled messages, and dead ones later', async () => {
    const put = (state: string, seconds: number | undefined): Promise<unknown> =>
      source.query(`insert into fledge_inbox (consumer, message_id, partition, source, kind, name, key, payload, occurred_at, state, ended_at)
        values ('c', gen_random_uuid(), 0, 'a', 'event', 'a.b.v1', 'k', '{}', now(), '${state}', ${seconds === undefined ? 'null' : ago(seconds)})`);
    await put('handled', 121);
    await put('handled', 119);
    await put('abandoned', 121);
    await put('dead', 121);
    await put('dead', 181);
    await put('ready', undefined);
    expect(await sweep(sqlOf(source), KEPT)).toBe(3);
    expect(await source.query('select state from fledge_inbox order by state')).toEqual([
      { state: 'dead' },
      { state: 'handled' },
      { state: 'ready' },
    ]);
  });

  it('lets messages behind a dead letter continue when the dead letter is deleted', async () => {
    await source.query(`insert into fledge_inbox (consumer, message_id, partition, source, kind, name, key, payload, occurred_at, state, ended_at)
      values ('b', gen_random_uuid(), 0, 'a', 'event', 'a.b.v1', 'old', '{}', now(), 'dead', ${ago(181)}), ('b', gen_random_uuid(), 0, 'a', 'event', 'a.b.v1', 'new', '{}', now(), 'dead', ${ago(179)})`);
    await source.query(
      "insert into fledge_hold (consumer, key, partition, due_at) values ('b', 'old', 0, null), ('b', 'new', 0, null)",
    );
    expect(await sweep(sqlOf(source), KEPT)).toBe(1);
    expect(await source.query('select key from fledge_hold where due_at <= now()')).toEqual([{ key: 'old' }]);
  });

  it('deletes runs of processes that have finished, and no others', async () => {
    await source.query(
      `insert into fledge_process (name, key, state, status, finished_at) values ('p', '1', '{}', 'finished', ${ago(241)}), ('p', '2', '{}', 'finished', ${ago(239)}), ('p', '3', '{}', 'running', null)`,
    );
    expect(await sweep(sqlOf(source), KEPT)).toBe(1);
    expect(await count('fledge_process')).toBe(2);
  });
});

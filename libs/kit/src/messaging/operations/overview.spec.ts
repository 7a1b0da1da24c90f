import { type ModuleDataSource, openModuleData } from '../../data/index.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import { everyDeadLetter } from './dead-letters.js';
import { COUNT_MAX, overview } from './overview.js';
import { replay, REPLAY_ROWS_MAX, ReplayTooOld } from './replay.js';
import { MESSAGING_MIGRATIONS } from '../storage/schema.js';
import { sqlOf } from '../storage/sql.js';

describe('what operators see and do', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;

  beforeAll(async () => {
    database = await freshDatabase();
    source = await openModuleData({
      module: 'seen',
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
  const store = (count: number, createdAt: string, sentAt: string): Promise<unknown> =>
    source.query(
      `insert into fledge_outbox (kind, name, key, partition, payload, created_at, sent_at, sent_via) select 'event', 'a.b.v1', 'k' || n, n % 16, '{}', ${createdAt}, ${sentAt}, 'local' from generate_series(1, ${count}) n`,
    );

  it('is empty for a module without messages', async () => {
    expect(await overview(sqlOf(source))).toEqual({
      outbox: { unsent: 0, oldestMs: null },
      consumers: [],
      timers: { due: 0, overdueMs: null },
    });
  });

  it('counts waiting messages, with the age of the oldest, up to a limit', async () => {
    // so long that the time of the test itself makes no difference
    const longAgo = (seconds: number): string => ago(100 * seconds);
    await source.query(
      "insert into fledge_consumer (name, takes, kind) values ('c', '{a.b}', 'event'), ('d', '{a.b}', 'event')",
    );
    await source.query(`insert into fledge_inbox (consumer, message_id, partition, source, kind, name, key, payload, occurred_at, received_at, state)
      select 'c', gen_random_uuid(), n % 16, 'a', 'event', 'a.b.v1', 'k' || n, '{}', ${longAgo(200)}, ${longAgo(100)}, 'ready' from generate_series(1, ${COUNT_MAX + 1}) n`);
    await source.query(`insert into fledge_inbox (consumer, message_id, partition, source, kind, name, key, payload, occurred_at, received_at, state)
      values ('d', gen_random_uuid(), 0, 'a', 'event', 'a.b.v1', 'k', '{}', ${longAgo(20)}, ${longAgo(10)}, 'parked'), ('d', gen_random_uuid(), 0, 'a', 'event', 'a.b.v1', 'l', '{}', ${longAgo(90)}, ${longAgo(80)}, 'handled'), ('c', gen_random_uuid(), 0, 'a', 'event', 'a.b.v1', 'p', '{}', ${longAgo(1)}, ${longAgo(1)}, 'parked')`);
    await source.query("insert into fledge_hold values ('d', 'k', 0, null)");
    await source.query(
      "insert into fledge_process (name, key, state, status) values ('d', '1', '{}', 'failed'), ('d', '2', '{}', 'running'), ('d', '3', '{}', 'finished')",
    );
    await source.query(`update fledge_process set started_at = ${longAgo(30)}`);
    await source.query(
      `insert into fledge_timer (process, key, name, due_at) values ('d', '2', 'a', ${longAgo(40)}), ('d', '2', 'b', ${longAgo(5)}), ('d', '2', 'c', now() + interval '1 hour')`,
    );
    await store(COUNT_MAX + 1, longAgo(50), 'null');
    await store(1, longAgo(60), longAgo(59));
    const { outbox, consumers, timers } = await overview(sqlOf(source));
    expect(timers.due).toBe(2);
    expect(timers.overdueMs).toBeGreaterThan(3_900_000);
    expect([outbox.unsent, Math.round((outbox.oldestMs as number) / 1_000_000)]).toEqual([COUNT_MAX, 5]);
    expect(
      consumers.map(({ oldestMs, lagMs, oldestRunMs, ...counts }) => ({
        ...counts,
        isOldRun: (oldestRunMs ?? 0) > 2_900_000,
        oldest: Math.round((oldestMs as number) / 1_000_000),
        lag: Math.round((lagMs as number) / 1_000_000),
      })),
    ).toEqual([
      {
        name: 'c',
        kind: 'event',
        waiting: COUNT_MAX,
        heldKeys: 0,
        dead: 0,
        failedRuns: null,
        runningRuns: 0,
        isOldRun: false,
        oldest: 10,
        lag: 20,
      },
      {
        name: 'd',
        kind: 'event',
        waiting: 1,
        heldKeys: 1,
        dead: 0,
        failedRuns: 1,
        runningRuns: 1,
        isOldRun: true,
        oldest: 1,
        lag: 2,
      },
    ]);
  });

  it('is every dead letter of a consumer once, oldest first, even if some die again in the meantime', async () => {
    const put = (consumer: string, count: number, state: string): Promise<unknown> =>
      source.query(`insert into fledge_dead_letter (consumer, message_id, source, kind, name, key, payload, occurred_at, attempts, reason, state, died_at)
        select '${consumer}', gen_random_uuid(), 'a', 'event', 'a.b.v1', n::text, '{}', now(), 1, 'failed', '${state}', ${ago(1)} - (n / 3) * interval '1 ms' from generate_series(1, ${count}) n`);
    await put('c', 1_203, 'dead');
    await put('c', 2, 'resent');
    await put('d', 1, 'dead');
    const portions: (readonly string[])[] = [];
    for await (const ids of everyDeadLetter(sqlOf(source), 'c')) {
      portions.push(ids);
      await source.query('update fledge_dead_letter set died_at = clock_timestamp() where message_id = any($1)', [
        ids.slice(0, 5),
      ]);
    }
    expect(portions.map(({ length }) => length)).toEqual([500, 500, 203]);
    expect(new Set(portions.flat()).size).toBe(1_203);
    const [{ key } = { key: '' }] = await source.query<{ key: string }[]>(
      'select key from fledge_dead_letter where message_id = $1',
      [portions[0]?.[0]],
    );
    expect(Number(key)).toBeGreaterThan(1_200);
  });

  it('is a replay of the requested span, in batches, and of nothing that is deleted', async () => {
    await source.query('truncate fledge_outbox');
    await store(REPLAY_ROWS_MAX + 1, ago(60), ago(1));
    await store(1, ago(121), ago(1));
    await store(1, ago(30), ago(1));
    const since = new Date(Date.now() - 100_000);
    expect(await replay(sqlOf(source), 'seen', { since, until: new Date(Date.now() - 40_000) })).toBe(
      REPLAY_ROWS_MAX + 1,
    );
    expect(await replay(sqlOf(source), 'seen', { since })).toBe(1);
    expect(
      await source.query(
        'select count(*)::int as unsent, count(sent_via)::int as sent from fledge_outbox where sent_at is null',
      ),
    ).toEqual([{ unsent: REPLAY_ROWS_MAX + 2, sent: 0 }]);
    await source.query(`insert into fledge_outbox_deleted (created_until) values (${ago(110)})`);
    expect(await replay(sqlOf(source), 'seen', { since })).toBe(0);
    await source.query(`update fledge_outbox_deleted set created_until = ${ago(90)}`);
    await expect(replay(sqlOf(source), 'seen', { since })).rejects.toThrow(ReplayTooOld);
  });
});

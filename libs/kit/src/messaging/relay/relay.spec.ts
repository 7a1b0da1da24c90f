import { openModuleData, type ModuleDataSource } from '../../data/index.js';
import { eventually } from '../../testing/eventually.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import type { MessageLog, Sent, StoredMessage, StoredPlace } from '../../transport/index.js';
import { partsOf } from '../replicas/assignment.js';
import { Membership } from '../replicas/membership.js';
import { OutboxLane } from '../outbox/outbox-lane.js';
import { Relay } from './relay.js';
import { PARTITIONS } from '../storage/partitions.js';
import { MESSAGING_MIGRATIONS } from '../storage/schema.js';
import { type Sql, sqlOf } from '../storage/sql.js';

/** A message log that remembers what it was sent, and fails when a test says so. */
class Remembering implements MessageLog {
  readonly carried: string[] = [];
  life: string | undefined = undefined;
  failing = false;

  constructor(readonly name: string) {}

  send(_source: string, messages: readonly StoredMessage[]): Promise<Sent> {
    if (this.failing) return Promise.resolve({ accepted: new Set(), failure: new Error('away') });
    this.carried.push(...messages.map(({ payload }) => payload));
    return Promise.resolve({ accepted: new Set(messages.map(({ id }) => id)) });
  }
  incarnation(): Promise<string | undefined> {
    return Promise.resolve(this.life);
  }
  subscribe(): Promise<void> {
    return Promise.resolve();
  }
  async *history(): AsyncIterable<readonly StoredMessage[]> {
    // not needed here
  }
  stop(): Promise<void> {
    return Promise.resolve();
  }
}

/** A log that knows where it has what, and can be made to lose it. */
class Forgetful extends Remembering {
  readonly places = new Map<string, number>();
  private last = 0;

  override async send(source: string, messages: readonly StoredMessage[]): Promise<Sent> {
    for (const { id } of messages) this.places.set(id, ++this.last);
    return { ...(await super.send(source, messages)), sequences: new Map(this.places) };
  }
  connections(): number {
    return 1;
  }
  missing(stored: readonly StoredPlace[]): Promise<readonly string[]> {
    return Promise.resolve(stored.filter(({ id, sequence }) => this.places.get(id) !== sequence).map(({ id }) => id));
  }
}

describe('a relay', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;
  const open: { stop(): Promise<void> }[] = [];
  let current: Relay | undefined;

  beforeEach(async () => {
    database = await freshDatabase();
    source = await openModuleData({
      module: 'told',
      url: database.url,
      entities: [],
      migrations: MESSAGING_MIGRATIONS,
    });
  });
  afterEach(async () => {
    current = undefined;
    for (const part of open.splice(0)) await part.stop();
    await source.destroy();
    await database.drop();
  });

  async function start(
    messageLog: MessageLog,
    sql: Sql = sqlOf(source),
  ): Promise<{ relay: Relay; membership: Membership }> {
    const membership = new Membership(sqlOf(source));
    const relay = new Relay(sql, 'told', messageLog, membership, new OutboxLane());
    current = relay;
    await membership.start();
    relay.start();
    open.push(relay, membership);
    return { relay, membership };
  }

  const tell = async (payloads: readonly string[]): Promise<void> => {
    await source.query(
      `insert into fledge_outbox (kind, name, key, partition, payload) select 'event', 'told.it.v1', 'k', 3, p from unnest($1::text[]) p`,
      [payloads],
    );
    current?.fallBehind();
  };
  const unsent = async (): Promise<number> =>
    (await source.query<unknown[]>('select 1 from fledge_outbox where sent_at is null')).length;
  const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

  it('sends a backlog in order, in batches', async () => {
    const messageLog = new Remembering('local');
    await tell(numbers(1_700));
    await start(messageLog);
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    expect(messageLog.carried).toEqual(numbers(1_700));
  });

  it('loses nothing and keeps the order while its message log is away', async () => {
    const messageLog = new Remembering('local');
    messageLog.failing = true;
    const { relay } = await start(messageLog);
    await tell(['a', 'b']);
    relay.fallBehind();
    await tell(['c']);
    messageLog.failing = false;
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    expect(messageLog.carried).toEqual(['a', 'b', 'c']);
  });

  // A second replica that was woken by its own commits blocked the whole process, and never became ready.
  it('that holds nothing does not block the process, however often it is woken', async () => {
    await start(new Remembering('local'));
    const { relay } = await start(new Remembering('local'));
    relay.fallBehind();
    await new Promise((resolve) => setImmediate(resolve));
    relay.fallBehind();
    await eventually(async () => expect(await unsent()).toBe(0), 'an answer of the database');
  });

  it('resends what another kind of log took, which nobody reads any more, before anything new', async () => {
    const before = new Remembering('nats');
    before.life = 'one';
    const { relay, membership } = await start(before);
    await tell(['a', 'b']);
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    await relay.stop();
    await membership.stop();
    const after = new Remembering('kafka');
    after.life = 'one';
    await start(after);
    await tell(['c']);
    await eventually(() => Promise.resolve(expect(after.carried).toEqual(['a', 'b', 'c'])), 'all that was told');
  });

  it('resends what a recreated log has lost, before anything new', async () => {
    const messageLog = new Remembering('nats');
    messageLog.life = 'one';
    const { relay } = await start(messageLog);
    await tell(['a', 'b']);
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    messageLog.life = 'two';
    await tell(['c']);
    relay.fallBehind();
    await eventually(() => expect(messageLog.carried).toEqual(['a', 'b', 'a', 'b', 'c']), 'all of it again');
  });

  it('resends what another message log took to a place that nobody may read, but nothing of its own log', async () => {
    const nats = new Remembering('nats');
    nats.life = 'one';
    const before = await start(nats);
    await tell(['a', 'b']);
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    await before.relay.stop();
    await before.membership.stop();
    const local = new Remembering('local');
    await start(local);
    await tell(['c']);
    await eventually(() => expect(local.carried).toEqual(['a', 'b', 'c']), 'all of it in the process');
    expect(await source.query('select distinct sent_via from fledge_outbox')).toEqual([{ sent_via: 'local' }]);
  });

  it('resends everything of its partitions when another partition is lost in the meantime', async () => {
    const messageLog = new Remembering('nats');
    messageLog.life = 'one';
    const { relay, membership } = await start(messageLog);
    const other = new Membership(sqlOf(source));
    other.join('relay', PARTITIONS);
    open.push(other);
    const members = [membership, other].map(({ replica }, joined) => ({
      replica,
      joined,
      groups: ['relay'],
      healthy: true,
    }));
    const [kept, lost] = [membership, other].map(({ replica }) =>
      Math.min(...partsOf(replica, 'relay', PARTITIONS, members)),
    );
    await source.query(
      `insert into fledge_outbox (kind, name, key, partition, payload) select 'event', 'told.it.v1', 'k', case when n < 6000 then $1::int else $2::int end, n::text from generate_series(0, 11999) n`,
      [lost, kept],
    );
    relay.fallBehind();
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox', 20_000);
    // those of the lost partition come first, in whole pages
    await other.start();
    await eventually(() => expect(other.isAlone || membership.isAlone).toBe(false), 'both know each other');
    messageLog.carried.length = 0;
    messageLog.life = 'two';
    relay.fallBehind();
    await eventually(() => expect(messageLog.carried).toHaveLength(6_000), 'all of the partition that is held', 20_000);
    expect(new Set(messageLog.carried)).toEqual(new Set(Array.from({ length: 6_000 }, (_, n) => String(6_000 + n))));
  });

  // The one that sent them was gone before it could compare, and the other had compared before they were its own.
  it('resends what a log has lost of partitions that it takes over from another replica', async () => {
    const messageLog = new Forgetful('nats');
    messageLog.life = 'one';
    const { relay, membership } = await start(messageLog);
    await source.query(
      `insert into fledge_outbox (kind, name, key, partition, payload) select 'event', 'told.it.v1', 'k', p, p::text from generate_series(0, $1::int - 1) p`,
      [PARTITIONS],
    );
    relay.fallBehind();
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    messageLog.places.clear();
    messageLog.carried.length = 0;
    await start(messageLog);
    await eventually(() => expect(messageLog.carried.length).toBeGreaterThan(0), 'its own part is sent again');
    await eventually(async () => expect(await unsent()).toBe(0), 'and marked');
    expect(messageLog.carried.length).toBeLessThan(PARTITIONS);
    await relay.stop();
    await membership.stop();
    await eventually(() => expect(messageLog.places.size).toBe(PARTITIONS), 'everything is sent again', 30_000);
  });

  it('searches nothing when no other message log had messages of a partition', async () => {
    const messageLog = new Remembering('local');
    await start(messageLog);
    await tell(['a']);
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    expect(await source.query('select distinct via from fledge_outbox_carrier')).toEqual([{ via: 'local' }]);
    expect(messageLog.carried).toEqual(['a']);
  });

  it('reads only a limited number of bytes at a time, and a larger message alone', async () => {
    const messageLog = new Remembering('local');
    const sizes: number[] = [];
    const send = messageLog.send.bind(messageLog);
    messageLog.send = (from, messages) => {
      sizes.push(messages.reduce((sum, { payload }) => sum + payload.length, 0));
      return send(from, messages);
    };
    await source.query(
      `insert into fledge_outbox (kind, name, key, partition, payload) select 'event', 'told.it.v1', 'k', 3, repeat('x', 200000) from generate_series(1, 30)`,
    );
    await tell(['small']);
    await start(messageLog);
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    expect(messageLog.carried.at(-1)).toBe('small');
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4_194_304 / 16 + 200_000);
  });

  // In the order of their sequence numbers alone, PostgreSQL read everything that was sent before, for each partition
  // in each round.
  it('reads from a large outbox only what it sends, not what was sent long ago', async () => {
    await source.query(`insert into fledge_outbox (kind, name, key, partition, payload, sent_at, sent_via)
      select 'event', 'told.it.v1', 'k', n & 15, n::text, case when n < 50000 then now() end, case when n < 50000 then 'local' end from generate_series(0, 199999) n`);
    await source.query('analyze fledge_outbox');
    const sql = sqlOf(source);
    const fetched: number[] = [];
    const counting: Sql = {
      transaction: (work) => sql.transaction(work),
      rows: <Row extends object>(text: string, parameters?: readonly unknown[]) =>
        sql.transaction(async () => {
          const count = async (): Promise<number> =>
            Number(
              (
                await sql.rows<{ count: string }>(
                  "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0) as count from pg_stat_xact_user_tables where relname = 'fledge_outbox'",
                )
              )[0]?.count,
            );
          const before = await count();
          const rows = await sql.rows<Row>(text, parameters);
          fetched.push((await count()) - before);
          return rows;
        }),
    };
    const messageLog = new Remembering('local');
    await start(messageLog, counting);
    await eventually(() => expect(messageLog.carried.length).toBeGreaterThan(5_000), 'some rounds');
    expect(Math.max(...fetched)).toBeLessThan(10_000);
  });

  it('that others have removed marks nothing', async () => {
    const messageLog = new Remembering('local');
    const { relay } = await start(messageLog);
    const send = messageLog.send.bind(messageLog);
    messageLog.send = async (from, messages) => {
      await source.query('delete from fledge_replica');
      return send(from, messages);
    };
    await tell(['a']);
    relay.fallBehind();
    await eventually(() => expect(messageLog.carried).toContain('a'), 'the message carried');
    await relay.stop();
    expect(await unsent()).toBe(1);
  });
});

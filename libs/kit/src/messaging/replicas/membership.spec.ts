import { Client } from 'pg';
import { openModuleData, type ModuleDataSource } from '../../data/index.js';
import { eventually } from '../../testing/eventually.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import { type Assignment, Membership, type MembershipOptions, SILENCE_MS } from './membership.js';
import { MESSAGING_MIGRATIONS } from '../storage/schema.js';
import { type Sql, sqlOf } from '../storage/sql.js';

interface Joined {
  readonly membership: Membership;
  readonly group: Assignment;
}

describe('the replicas of a module', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;
  const open: Membership[] = [];

  beforeAll(async () => {
    database = await freshDatabase();
    source = await openModuleData({
      module: 'shared',
      url: database.url,
      entities: [],
      migrations: MESSAGING_MIGRATIONS,
    });
  });
  afterEach(async () => {
    for (const membership of open.splice(0)) await membership.stop();
    await source.query('delete from fledge_replica');
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  async function join(parts: number, sql: Sql = sqlOf(source), options: MembershipOptions = {}): Promise<Joined> {
    const membership = new Membership(sql, options);
    open.push(membership);
    const group = membership.join('work', parts);
    await membership.start();
    return { membership, group };
  }

  const parts = (group: Assignment): number[] => [...group.held].sort((a, b) => a - b);
  const count = async (): Promise<number> => (await source.query<unknown[]>('select 1 from fledge_replica')).length;

  /** Simulates a killed or frozen process: its row is left, and it does not move. */
  async function leftBehind(line: 'closed' | 'open'): Promise<() => Promise<void>> {
    const lock = 4711;
    const held = await sqlOf(source).openLine?.({ notified: () => undefined, lost: () => undefined });
    if (line === 'open') await held?.rows('select pg_advisory_lock($1::bigint)', [lock]);
    await source.query(
      `insert into fledge_replica (replica, line, joined, groups, healthy, knows) values (gen_random_uuid(), $1, 0, '{work}', true, '{}')`,
      [lock],
    );
    await source.query('update fledge_view set version = version + 1');
    return () => held?.close() ?? Promise.resolve();
  }

  it('give all of the work to a single replica', async () => {
    const { group, membership } = await join(4);
    expect(parts(group)).toEqual([0, 1, 2, 3]);
    expect(membership.isAlone).toBe(true);
  });

  it('reach equal shares when a second one joins, and never both have the same part', async () => {
    const first = await join(8);
    const both: number[] = [];
    const second = new Membership(sqlOf(source));
    open.push(second);
    const group = second.join('work', 8);
    const look = (): void => void both.push(...parts(group).filter((part) => first.group.keeps(part)));
    first.group.onChange(look);
    group.onChange(look);
    await second.start();
    expect([first.membership.isAlone, second.isAlone]).toEqual([false, false]);
    await eventually(() => expect([first.group.held.size, group.held.size]).toEqual([4, 4]), 'equal shares');
    expect([...parts(first.group), ...parts(group)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(both).toEqual([]);
  });

  it('hand a part over only when nothing is in progress on it', async () => {
    const first = await join(8);
    let busy = true;
    first.group.onRelease(() => !busy);
    const second = await join(8);
    await eventually(() => first.group.held.size === 4, 'the first one begins nothing on half of them');
    for (let beats = 0; beats < 5; beats++)
      await Promise.all([first.membership.beatNow(), second.membership.beatNow()]);
    expect(second.group.held.size).toBe(0);
    busy = false;
    await eventually(() => second.group.held.size === 4, 'the second one has them');
  });

  it('continue at once when one of them leaves', async () => {
    const first = await join(2);
    const second = await join(2);
    await first.membership.stop();
    expect(first.group.held.size).toBe(0);
    await eventually(() => expect(parts(second.group)).toEqual([0, 1]), 'all parts at the second one', 2_000);
    expect(second.membership.isAlone).toBe(true);
  });

  it('are not waited for when they were killed: one that joins sees that their connection is closed', async () => {
    const close = await leftBehind('closed');
    const { group, membership } = await join(2);
    expect(parts(group)).toEqual([0, 1]);
    expect(membership.isAlone).toBe(true);
    expect(await count()).toBe(1);
    await close();
  });

  it('are removed when they do not move for long, although their connection is open', async () => {
    const close = await leftBehind('open');
    const deaths: string[] = [];
    const startedAt = performance.now();
    const membership = new Membership(sqlOf(source));
    membership.onDeath(() => deaths.push('one'));
    open.push(membership);
    const group = membership.join('work', 2);
    void membership.start();
    await eventually(() => expect(parts(group)).toEqual([0, 1]), 'all parts at the one that lives', 4 * SILENCE_MS);
    expect(performance.now() - startedAt).toBeGreaterThan(SILENCE_MS);
    expect(deaths).toEqual(['one']);
    await close();
  }, 60_000);

  it('drop what they hold when others have removed them, and join again under a new id', async () => {
    const { group, membership } = await join(2);
    const before = membership.replica;
    const sizes: number[] = [];
    group.onChange(() => sizes.push(group.held.size));
    await source.query('delete from fledge_replica');
    await membership.beatNow();
    await eventually(() => expect(parts(group)).toEqual([0, 1]), 'all parts again');
    expect(sizes[0]).toBe(0);
    expect(membership.replica).not.toBe(before);
  });

  it('give up what they hold by themselves when the database does not respond for long', async () => {
    const sql = sqlOf(source);
    const database: { answers?: Promise<void> } = {};
    const slowed: Sql = {
      rows: async <Row extends object>(text: string, parameters?: readonly unknown[]) => {
        if (database.answers && text.includes('fledge_replica')) throw new Error('no answer');
        return sql.rows<Row>(text, parameters);
      },
      transaction: (work) => sql.transaction(work),
    };
    const { group } = await join(2, slowed);
    database.answers = Promise.resolve();
    await eventually(() => expect(group.held.size).toBe(0), 'nothing held', SILENCE_MS);
    delete database.answers;
    await eventually(() => expect(parts(group)).toEqual([0, 1]), 'all parts held again', SILENCE_MS);
  });

  // Leases ended by the database's clock: setting it back kept those of dead replicas, and stopped every singleton.
  it('do not depend on the clock of the database', async () => {
    const statements: string[] = [];
    const sql = sqlOf(source);
    const listening: Sql = {
      rows: (text, parameters) => (statements.push(text), sql.rows(text, parameters)),
      transaction: (work) => sql.transaction(work),
    };
    await join(2, listening);
    await join(2, listening);
    const timed = statements.filter((text) =>
      /clock_timestamp|now\(\)|current_timestamp/.test(
        text.replace(/extract\(epoch from (min\(due_at\) - )?clock_timestamp\(\)\)/g, ''),
      ),
    );
    expect(timed).toEqual([]);
  });

  it('stay members when the server ends all of their connections, again and again', async () => {
    const { group, membership } = await join(2);
    const owner = new Client({ connectionString: database.url });
    await owner.connect();
    for (let times = 0; times < 3; times++) {
      await owner.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name = 'fledge:shared'",
      );
      await membership.beatNow();
    }
    await owner.end();
    await eventually(() => expect(parts(group)).toEqual([0, 1]), 'all parts held');
  });

  it('leave work to those that can reach their broker, while there are any', async () => {
    const reach = { first: true };
    const first = await join(4, sqlOf(source), { isHealthy: () => reach.first });
    const second = await join(4, sqlOf(source), { isHealthy: () => true });
    await eventually(() => first.group.held.size === 2 && second.group.held.size === 2, 'equal shares');
    reach.first = false;
    await eventually(() => expect(second.group.held.size).toBe(4), 'all at the one that reaches it', 5_000);
    reach.first = true;
    await eventually(() => first.group.held.size === 2 && second.group.held.size === 2, 'equal shares again', 5_000);
  });

  it('notify each other when there is something to do', async () => {
    const [first, second] = [await join(1), await join(1)];
    const heard: string[] = [];
    first.membership.onTold('inbox', () => heard.push('first'));
    second.membership.onTold('inbox', () => heard.push('second'));
    first.membership.tell('inbox');
    await eventually(() => heard.length > 0, 'it is heard');
    expect(heard).toEqual(['second']);
  });
});

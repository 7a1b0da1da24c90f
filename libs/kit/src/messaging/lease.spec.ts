import { randomUUID } from 'node:crypto';
import { openModuleData, type ModuleDataSource } from '../data/index.js';
import { eventually } from '../testing/eventually.js';
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.js';
import { Leases, type LeaseGroup } from './lease.js';
import { MESSAGING_MIGRATIONS } from './schema.js';
import { type Sql, sqlOf } from './sql.js';

describe('leases', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;
  const open: Leases[] = [];

  beforeAll(async () => {
    database = await freshDatabase();
    source = (await openModuleData({ module: 'held', url: database.url, entities: [], migrations: MESSAGING_MIGRATIONS })) as ModuleDataSource;
  });
  afterEach(async () => {
    for (const leases of open.splice(0)) await leases.stop();
    await source.query('delete from message_lease');
    await source.query('delete from message_member');
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  async function join(parts: number, carrier?: string, sql: Sql = sqlOf(source)): Promise<{ leases: Leases; group: LeaseGroup }> {
    const leases = new Leases(sql, randomUUID());
    open.push(leases);
    const group = leases.join('work', parts, { carrier });
    await leases.start();
    return { leases, group };
  }

  const parts = (group: LeaseGroup): number[] => [...group.held.keys()].sort((a, b) => a - b);

  it('are all held by a replica that is alone', async () => {
    const { group } = await join(4);
    expect(parts(group)).toEqual([0, 1, 2, 3]);
  });

  it('come to equal shares when a second replica joins, and each part has one holder', async () => {
    const first = await join(8);
    const second = await join(8);
    await eventually(() => expect([first.group.held.size, second.group.held.size]).toEqual([4, 4]), 'equal shares');
    expect([...parts(first.group), ...parts(second.group)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('are let go at once by a replica that stops, with a new epoch for the next holder', async () => {
    const first = await join(2, 'nats');
    const before = BigInt(first.group.held.get(0)?.epoch ?? -1);
    const second = await join(2, 'local');
    await first.leases.stop();
    expect(first.group.held.size).toBe(0);
    await eventually(() => expect(parts(second.group)).toEqual([0, 1]), 'all parts at the second replica');
    expect(BigInt(second.group.held.get(0)?.epoch ?? -1)).toBeGreaterThan(before);
    expect(second.group.held.get(0)?.previousCarrier).toBe('nats');
  });

  it('are dropped by a replica that can not renew them, before another may take them', async () => {
    const { group } = await join(1);
    await source.query("update message_lease set owner = gen_random_uuid(), epoch = epoch + 1, expires_at = clock_timestamp() + interval '1 minute'");
    await eventually(() => expect(group.held.size).toBe(0), 'nothing held');
  });

  it('come back to a replica whose database was too slow for a while, with a new epoch', async () => {
    const sql = sqlOf(source);
    const database: { answers?: Promise<void> } = {};
    const slowed: Sql = {
      rows: async <Row extends object>(text: string, parameters?: unknown[]) => {
        if (text.includes('message_member')) await database.answers;
        return sql.rows<Row>(text, parameters);
      },
      transaction: (work) => sql.transaction(work),
    };
    const { group } = await join(2, undefined, slowed);
    const before = BigInt(group.held.get(0)?.epoch ?? -1);
    let answer: () => void = () => undefined;
    database.answers = new Promise((resolve) => (answer = resolve));
    await eventually(() => expect(group.held.size).toBe(0), 'nothing held');
    answer();
    await eventually(() => expect(parts(group)).toEqual([0, 1]), 'all parts held again', 3_000);
    expect(BigInt(group.held.get(0)?.epoch ?? -1)).toBeGreaterThan(before);
  });

  it('tell of each change', async () => {
    const { leases, group } = await join(1);
    let told = 0;
    group.onChange(() => (told += 1));
    await leases.stop();
    expect(told).toBe(1);
  });
});

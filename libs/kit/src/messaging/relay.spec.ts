import { randomUUID } from 'node:crypto';
import { openModuleData, type ModuleDataSource } from '../data/index.js';
import { eventually } from '../testing/eventually.js';
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.js';
import type { Carrier, Sent, StoredMessage } from '../transport/index.js';
import { Leases } from './lease.js';
import { Relay } from './relay.js';
import { CreateMessaging1700000000000 } from './schema.js';
import { sqlOf } from './sql.js';

/** A carrier that remembers what it carried, and fails as a test wants. */
class Remembering implements Carrier {
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
    // nothing is asked for here
  }
  stop(): Promise<void> {
    return Promise.resolve();
  }
}

describe('a relay', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;
  const open: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    database = await freshDatabase();
    source = await openModuleData({ module: 'told', url: database.url, entities: [], migrations: [CreateMessaging1700000000000] });
  });
  afterEach(async () => {
    for (const part of open.splice(0)) await part.stop();
    await source.destroy();
    await database.drop();
  });

  async function start(carrier: Carrier): Promise<{ relay: Relay; leases: Leases }> {
    const leases = new Leases(sqlOf(source), randomUUID());
    const relay = new Relay(sqlOf(source), 'told', carrier, leases);
    await leases.start();
    relay.start();
    open.push(relay, leases);
    return { relay, leases };
  }

  const tell = (payloads: readonly string[]): Promise<unknown> =>
    source.query(`insert into outbox (kind, name, key, partition, payload) select 'event', 'told.it.v1', 'k', 3, p from unnest($1::text[]) p`, [payloads]);
  const unsent = async (): Promise<number> => (await source.query<unknown[]>('select 1 from outbox where sent_at is null')).length;
  const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

  it('carries a backlog in order, in portions', async () => {
    const carrier = new Remembering('local');
    await tell(numbers(1_700));
    await start(carrier);
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    expect(carrier.carried).toEqual(numbers(1_700));
  });

  it('loses nothing and keeps the order while its carrier is away', async () => {
    const carrier = new Remembering('local');
    carrier.failing = true;
    const { relay } = await start(carrier);
    await tell(['a', 'b']);
    relay.wake();
    await tell(['c']);
    carrier.failing = false;
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    expect(carrier.carried).toEqual(['a', 'b', 'c']);
  });

  // A second replica that was woken by its own commits took the whole process for itself, and never became ready.
  it('that holds nothing leaves the process to others, however often it is woken', async () => {
    await start(new Remembering('local'));
    const { relay } = await start(new Remembering('local'));
    relay.wake();
    await new Promise((resolve) => setImmediate(resolve));
    relay.wake();
    await eventually(async () => expect(await unsent()).toBe(0), 'an answer of the database');
  });

  it('sends again what a log that was made anew has lost, before what is new', async () => {
    const carrier = new Remembering('nats');
    carrier.life = 'one';
    const { relay } = await start(carrier);
    await tell(['a', 'b']);
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    carrier.life = 'two';
    await tell(['c']);
    relay.wake();
    await eventually(() => expect(carrier.carried).toEqual(['a', 'b', 'a', 'b', 'c']), 'all of it again');
  });

  it('sends again what another carrier took to where nobody may look, and not what went where it goes itself', async () => {
    const nats = new Remembering('nats');
    nats.life = 'one';
    const before = await start(nats);
    await tell(['a', 'b']);
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    await before.relay.stop();
    await before.leases.stop();
    const local = new Remembering('local');
    await start(local);
    await tell(['c']);
    await eventually(() => expect(local.carried).toEqual(['a', 'b', 'c']), 'all of it in the process');
    expect(await source.query('select distinct sent_via from outbox')).toEqual([{ sent_via: 'local' }]);
  });

  it('that lost its lease marks nothing', async () => {
    const carrier = new Remembering('local');
    const { relay } = await start(carrier);
    const send = carrier.send.bind(carrier);
    carrier.send = async (from, messages) => {
      await source.query("update message_lease set owner = gen_random_uuid(), epoch = epoch + 1, expires_at = clock_timestamp() + interval '1 minute'");
      return send(from, messages);
    };
    await tell(['a']);
    relay.wake();
    await eventually(() => expect(carrier.carried).toContain('a'), 'the message carried');
    await relay.stop();
    expect(await unsent()).toBe(1);
  });
});

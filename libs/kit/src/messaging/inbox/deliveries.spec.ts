import { randomUUID } from 'node:crypto';
import { openModuleData, type ModuleDataSource } from '../../data/index.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import { Deliveries, type InMemory } from './deliveries.js';
import { PARTITIONS } from '../storage/partitions.js';
import { MESSAGING_MIGRATIONS } from '../storage/schema.js';
import { sqlOf } from '../storage/sql.js';

const CONSUMERS = ['first', 'second'];
const EVERYWHERE = CONSUMERS.flatMap((name) => Array.from({ length: PARTITIONS }, (_, part) => ({ name, part })));
const PLACES = { consumers: EVERYWHERE.map(({ name }) => name), partitions: EVERYWHERE.map(({ part }) => part) };
const NONE = { consumers: [], values: [] };

describe('a look into the inbox', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;
  let deliveries: Deliveries;

  beforeAll(async () => {
    database = await freshDatabase();
    source = (await openModuleData({
      module: 'looked',
      url: database.url,
      entities: [],
      migrations: MESSAGING_MIGRATIONS,
    })) as ModuleDataSource;
    deliveries = new Deliveries(sqlOf(source), 'looked');
  });
  afterEach(() => source.query('truncate fledge_inbox, fledge_hold'));
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  async function store(key: string, state: 'ready' | 'parked' = 'ready'): Promise<string> {
    const id = randomUUID();
    for (const consumer of CONSUMERS) {
      await source.query(
        `insert into fledge_inbox (consumer, message_id, partition, source, kind, name, key, payload, occurred_at, state)
         values ($1, $2, hashtext($3) & 15, 'talker', 'event', 'talker.said.v1', $3, '{}', now(), $4)`,
        [consumer, id, key, state],
      );
    }
    return id;
  }

  const look = async (inMemory: Partial<InMemory>): Promise<string[]> =>
    (await deliveries.look(PLACES, PLACES, { messages: NONE, keys: NONE, ...inMemory }, 100))
      .map(({ consumer, delivery }) => `${consumer} ${delivery?.message.id ?? 'nothing'}`)
      .sort();

  it('finds what one consumer has in memory for another one that does not have it', async () => {
    const [one, two] = [await store('key'), await store('key')];
    expect(await look({ messages: { consumers: ['first', 'first'], values: [one, two] } })).toEqual(
      [`second ${one}`, `second ${two}`].sort(),
    );
    expect(await look({ messages: { consumers: ['first', 'second'], values: [one, one] } })).toEqual([
      `first ${two}`,
      `second ${two}`,
    ]);
  });

  it('finds parked messages of a due key for the consumer that does not have it in memory', async () => {
    const id = await store('key', 'parked');
    for (const consumer of CONSUMERS)
      await source.query("insert into fledge_hold values ($1, 'key', hashtext('key') & 15, now())", [consumer]);
    expect(await look({ keys: { consumers: ['first'], values: ['key'] } })).toEqual([`second ${id}`]);
    expect(await look({})).toEqual([`first ${id}`, `second ${id}`]);
  });

  it('reads only a limited number of bytes of a partition at a time, and a larger message alone', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await store('key', n < 3 ? 'ready' : 'parked'));
    await source.query("update fledge_inbox set payload = repeat('x', 200000)");
    const first = (of: string[]): string[] => of.flatMap((id) => [`first ${id}`, `second ${id}`]).sort();
    expect(await look({})).toEqual(first(ids.slice(0, 2)));
    for (const consumer of CONSUMERS)
      await source.query("insert into fledge_hold values ($1, 'key', hashtext('key') & 15, now())", [consumer]);
    await source.query("update fledge_inbox set state = 'parked', payload = repeat('x', 300000)");
    expect(await look({})).toEqual(first(ids.slice(0, 1)));
  });
});

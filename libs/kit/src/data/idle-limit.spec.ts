import { CallContext, now, runInContext } from '../boundary/index.js';
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.js';
import { IDLE_IN_TRANSACTION_TIMEOUT_MS, type ModuleDataSource, openModuleData } from './index.js';

let database: FreshDatabase;
let source: ModuleDataSource;

beforeAll(async () => {
  database = await freshDatabase();
  // one connection, so that each transaction sees what the previous one left on it
  source = await openModuleData({ module: 'alpha', url: database.url, entities: [], migrations: [], poolMax: 1 });
});
afterAll(async () => {
  await source.destroy();
  await database.drop();
});

const within = <R>(ms: number, work: () => R): R =>
  runInContext(new CallContext('alpha', 'http', now() + ms, undefined, undefined, undefined), work);

/** How many milliseconds the current transaction may be idle. */
async function limit(query: (sql: string) => Promise<[{ ms: number }]> = (sql) => source.query(sql)): Promise<number> {
  const [{ ms }] = await query(
    "select extract(epoch from current_setting('idle_in_transaction_session_timeout')::interval)::float * 1000 as ms",
  );
  return ms;
}

async function limitByHand(): Promise<number> {
  const runner = source.createQueryRunner();
  try {
    await runner.startTransaction('SERIALIZABLE');
    return await limit((sql) => runner.query(sql) as Promise<[{ ms: number }]>);
  } finally {
    await runner.release();
  }
}

// A frozen process kept the locks of its transactions for a minute.
describe('a transaction that is left idle', () => {
  it.each([
    ['opened around work', () => source.transaction(() => limit())],
    ['with an isolation level', () => source.transaction('REPEATABLE READ', () => limit())],
    ['opened by hand', limitByHand],
  ])('ends at most a second after the deadline of its work: %s', async (_, measured) => {
    const ms = await within(20_000, measured);
    expect(ms).toBeGreaterThan(1_000);
    expect(ms).toBeLessThanOrEqual(21_000);
  });

  it('still has its second when the deadline has passed', async () => {
    expect(await within(0, () => source.transaction(() => limit()))).toBe(1_000);
  });

  it.each([
    ['of work without a deadline', () => source.transaction(() => limit())],
    ['of work with more time than that', () => within(300_000, () => source.transaction(() => limit()))],
  ])('ends after a minute: %s', async (_, measured) => {
    await within(5_000, () => source.transaction(() => limit()));
    expect(await measured()).toBe(IDLE_IN_TRANSACTION_TIMEOUT_MS);
  });
});

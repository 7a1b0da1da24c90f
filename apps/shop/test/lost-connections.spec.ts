import { randomBytes } from 'node:crypto';
import { eventually, type FreshDatabase, freshDatabase, testNatsUrl } from '@fledge/kit/testing';
import pg from 'pg';
import { Shop } from './journeys/shop.js';
import { ServiceProcess } from './service-process.js';

const ROUNDS = 20;
const WITHIN_MS = 60_000;

let database: FreshDatabase;
let tables: pg.Client;
let service: ServiceProcess;

beforeEach(async () => {
  database = await freshDatabase();
  tables = new pg.Client({ connectionString: database.url });
  await tables.connect();
  service = await ServiceProcess.start('monolith', 'shop', {
    databaseUrl: database.url,
    natsUrl: testNatsUrl(),
    namespace: `lost${randomBytes(5).toString('hex')}`,
  });
}, WITHIN_MS);

afterEach(async () => {
  await service.kill();
  await tables.end();
  await database.drop();
});

// An error that came between two listeners ended the process, and each connection that was lost was a 500.
it(
  `outlives ${ROUNDS} cuts of all its connections to the database, and answers them with 503 at most`,
  async () => {
    const shop = new Shop(service.url);
    const staff = await shop.staff();
    await shop.expect(201, 'POST', '/categories', { token: staff, body: { id: 'lost', name: 'Lost' } });
    const productId = await shop.product(
      staff,
      { sku: 'LOST-1', name: 'Sturdy', priceMinor: 100, categoryId: 'lost' },
      10_000,
    );
    const buyers = await Promise.all([1, 2, 3].map((i) => shop.newBuyer(`lost-${i}@lost.test`)));

    const answers = new Map<number, number>();
    const told: string[] = [];
    let done = false;
    const ask = async (method: string, path: string, token?: string, body?: unknown): Promise<void> => {
      const answer = await shop.request(method, path, { ...(token !== undefined && { token }), body });
      answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1);
      if (answer.status >= 500)
        told.push(`${method} ${path} ${answer.status} ${(answer.body as { code: string }).code}`);
    };
    const worked = buyers.map(async (token) => {
      while (!done) {
        await ask('GET', '/products');
        await ask('POST', '/cart/items', token, { productId, quantity: 1 });
        await ask('POST', '/orders', token, {});
        await ask('GET', '/orders', token);
      }
    });
    const succeeded = (): number =>
      [...answers].reduce((sum, [status, times]) => (status < 300 ? sum + times : sum), 0);
    for (let round = 0; round < ROUNDS; round++) {
      const before = succeeded();
      await tables.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'fledge:%'",
      );
      await eventually(() => succeeded() > before, `it answers after cut ${round}`, WITHIN_MS);
    }
    done = true;
    await Promise.all(worked);

    expect(told.filter((line) => !line.includes(' 503 '))).toEqual([]);
    expect(await service.terminate()).toBe(0);
  },
  5 * WITHIN_MS,
);

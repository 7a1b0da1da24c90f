import { randomUUID } from 'node:crypto';
import { type Answer, Shop } from './journeys/shop.js';
import { MODULES, startGroups } from './started-shop.js';

const BUYERS = 200;
const UNITS = 10;

/** Prepares as fast as passwords are hashed: only the race is to be a race. */
async function tenAtATime<T>(count: number, prepare: (i: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count)
    made.push(...(await Promise.all(Array.from({ length: 10 }, (_, i) => prepare(made.length + i)))));
  return made;
}

/** What a busy machine answers: it was not begun, or it is not known what became of it. */
const RUSH = [
  'urn:problem:fledge.overloaded',
  'urn:problem:fledge.deadline-exceeded',
  'urn:problem:fledge.request-in-flight',
  'urn:problem:fledge.database-unavailable',
];

/**
 * Orders as a client should: what was lost in the rush is sent again with the same key, later each time, and not by all
 * at once.
 */
async function order(shop: Shop, token: string): Promise<Answer> {
  const headers = { 'idempotency-key': randomUUID() };
  for (let waitMs = 1_000; ; waitMs *= 1.5) {
    const answer = await shop.request('POST', '/orders', { token, body: {}, headers });
    if (!RUSH.includes((answer.body as { type?: string }).type ?? '')) return answer;
    await new Promise((resolve) => setTimeout(resolve, waitMs * (1 + Math.random())));
  }
}

describe.each([
  ['in one process', [MODULES]],
  ['as services', MODULES.map((name) => [name])],
] as const)('%s', (_, groups) => {
  it(`${BUYERS} buyers who race for ${UNITS} units end with exactly ${UNITS} orders`, async () => {
    const started = await startGroups(groups);
    try {
      const shop = new Shop(started.url);
      const staff = await shop.staff();
      await shop.expect(201, 'POST', '/categories', { token: staff, body: { id: 'race', name: 'Race' } });
      const productId = await shop.product(
        staff,
        { sku: 'RACE-1', name: 'The last ones', priceMinor: 100, categoryId: 'race' },
        UNITS,
      );
      const buyers = await tenAtATime(BUYERS, async (i) => {
        const token = await shop.newBuyer(`racer-${i}@race.test`);
        await shop.expect(201, 'POST', '/cart/items', { token, body: { productId, quantity: 1 } });
        return token;
      });

      const answers = await Promise.all(buyers.map((token) => order(shop, token)));

      expect(answers.filter(({ status }) => status === 201)).toHaveLength(UNITS);
      const refused = answers.filter(({ status }) => status !== 201);
      expect(new Set(refused.map(({ status, body }) => `${status} ${(body as { type: string }).type}`))).toEqual(
        new Set(['409 urn:problem:ordering.item-out-of-stock.v1']),
      );
      expect(await shop.expect(200, 'GET', `/stock/${productId}`, { token: staff })).toMatchObject({
        received: UNITS,
        available: 0,
        reserved: UNITS,
        sold: 0,
      });
    } finally {
      await started.stop();
    }
  }, 240_000);
});

import { randomUUID } from 'node:crypto';
import { eventually, fake, testModule, type TestedModule } from '@fledge/kit/testing';
import { CatalogContract, GetProduct } from '@shop/catalog/contract';
import {
  ReleaseStock,
  ReservationExpired,
  ReservationReleased,
  ReserveStock,
  SaleRefused,
  SellStock,
  StockReleased,
  StockSold,
} from '../contract/index.js';
import { DataSource } from 'typeorm';
import { Expiry } from '../src/expire-reservations/expiry.js';
import { InventoryModule } from '../src/index.js';
import { ReservationRepository } from '../src/storage/reservation.repository.js';

const RESERVATION_MS = 1_000;
const catalog = fake(CatalogContract).on(GetProduct, ({ productId }) => ({
  id: productId,
  sku: 'T-1',
  name: 'Thing',
  description: '',
  priceMinor: 100,
  currency: 'EUR',
  categoryId: 'things',
  active: true,
}));

let shop: TestedModule;
beforeAll(async () => {
  shop = await testModule(InventoryModule, {
    identity: { subject: randomUUID(), roles: ['staff'] },
    fakes: [catalog],
    settings: { reservationMs: RESERVATION_MS },
  });
});
afterAll(() => shop?.close());

async function stocked(quantity: number): Promise<string> {
  const productId = randomUUID();
  expect((await shop.request('POST', '/stock/receipts', { productId, quantity, reference: randomUUID() })).status).toBe(
    201,
  );
  return productId;
}
const stockOf = async (productId: string): Promise<unknown> => (await shop.request('GET', `/stock/${productId}`)).body;
const reserve = (productIds: readonly string[], orderId: string) =>
  shop.execute(new ReserveStock({ orderId, lines: productIds.map((productId) => ({ productId, quantity: 1 })) }));
const countOf = async <E extends { readonly orderId: string }>(
  event: new (fields: never) => E,
  orderId: string,
): Promise<number> => (await shop.messages.published<E>(event)).filter((one) => one.orderId === orderId).length;
const expired = (orderId: string): Promise<void> =>
  eventually(async () => expect(await countOf(ReservationExpired, orderId)).toBe(1), 'the reservation is expired');

it('gives back what nobody sells in time, tells it once, and sells and reserves nothing for that order any more', async () => {
  const productId = await stocked(3);
  const orderId = randomUUID();
  const { expiresAt } = await reserve([productId], orderId);
  expect(expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(RESERVATION_MS);
  expect(await stockOf(productId)).toMatchObject({ available: 2, reserved: 1 });
  await expired(orderId);
  expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime());
  expect(await stockOf(productId)).toMatchObject({ received: 3, available: 3, reserved: 0, sold: 0 });
  await shop.execute(new SellStock({ orderId }));
  expect([await countOf(StockSold, orderId), await countOf(SaleRefused, orderId)]).toEqual([0, 1]);
  await expect(reserve([productId], orderId)).rejects.toBeInstanceOf(ReservationReleased);
  await shop.execute(new ReleaseStock({ orderId }));
  expect(await countOf(StockReleased, orderId)).toBe(1);
  await shop.get(Expiry).round();
  expect(await countOf(ReservationExpired, orderId)).toBe(1);
  expect(await stockOf(productId)).toMatchObject({ available: 3, reserved: 0, sold: 0 });
});

it('leaves what is sold or released in time', async () => {
  const productId = await stocked(3);
  const [sold, released, left] = [randomUUID(), randomUUID(), randomUUID()];
  for (const orderId of [sold, released, left]) await reserve([productId], orderId);
  await shop.execute(new SellStock({ orderId: sold }));
  await shop.execute(new ReleaseStock({ orderId: released }));
  await expired(left);
  expect([await countOf(ReservationExpired, sold), await countOf(ReservationExpired, released)]).toEqual([0, 0]);
  expect(await stockOf(productId)).toMatchObject({ received: 3, available: 2, reserved: 0, sold: 1 });
});

it('goes by the time that has gone by, when the clock of the database is set', async () => {
  const orderId = randomUUID();
  await reserve([await stocked(1)], orderId);
  const reservations = shop.get(ReservationRepository);
  const leftMs = async (of: string): Promise<number> =>
    ((await shop.get(DataSource).transaction(() => reservations.lock(of)))?.expiresAt.getTime() ?? NaN) - Date.now();
  await reservations.followClock(600_000.25);
  expect(await leftMs(orderId)).toBeGreaterThan(590_000);
  // what was reserved since it was set back goes by it already
  const later = randomUUID();
  await reserve([await stocked(1)], later);
  await reservations.followClock(-600_000.25);
  expect(await leftMs(orderId)).toBeLessThanOrEqual(RESERVATION_MS);
  expect(await leftMs(later)).toBeGreaterThan(-60_000);
  await expired(orderId);
  await expired(later);
});

// The bug that it guards: a sweep that locks the products of many orders in one transaction waits in a circle with who
// reserves them.
it('races sales, releases, reservations and other sweeps: each order ends once, and the stock adds up', async () => {
  const [a, b] = [await stocked(100), await stocked(100)];
  const orders = Array.from({ length: 30 }, () => randomUUID());
  // ten at a time: all wait for the same rows, and must have them within the deadline of a call
  for (let from = 0; from < orders.length; from += 10)
    await Promise.all(
      orders.slice(from, from + 10).map((orderId, i) => reserve((from + i) % 2 ? [a, b] : [b, a], orderId)),
    );
  const last = orders.at(-1) as string;
  const due = Date.now() + RESERVATION_MS;
  await eventually(() => Promise.resolve(Date.now() >= due), 'they are due');
  await Promise.all([
    ...Array.from({ length: 3 }, () => shop.get(Expiry).round()),
    ...orders.filter((_, i) => i % 3 === 0).map((orderId) => shop.execute(new SellStock({ orderId }))),
    ...orders.filter((_, i) => i % 3 === 1).map((orderId) => shop.execute(new ReleaseStock({ orderId }))),
    reserve([b, a], randomUUID()),
  ]);
  await eventually(async () => expect(await countOf(ReservationExpired, last)).toBe(1), 'all rounds are over');
  const ends = await Promise.all(
    orders.map(async (orderId) => (await countOf(StockSold, orderId)) + (await countOf(ReservationExpired, orderId))),
  );
  // One that was released in time was neither sold nor did it expire.
  expect(ends.every((times, i) => times === 1 || (i % 3 === 1 && times === 0))).toBe(true);
  const sold = (await Promise.all(orders.map((orderId) => countOf(StockSold, orderId)))).reduce(
    (sum, times) => sum + times,
    0,
  );
  await eventually(
    async () => expect(await stockOf(a)).toMatchObject({ received: 100, available: 100 - sold, reserved: 0, sold }),
    'the last reservation is expired',
  );
  expect(await stockOf(b)).toEqual({ ...((await stockOf(a)) as object), productId: b });
});

it.each([
  [{ reservationMs: 999 }],
  [{ reservationMs: 604_800_001 }],
  [{ reservationMs: '60000' }],
  [{ demo: 'yes' }],
  [{ hold: 1 }],
])('does not start with the setting %j', async (settings) => {
  await expect(testModule(InventoryModule, { fakes: [catalog], settings, logger: false })).rejects.toMatchObject({
    code: 'fledge.startup.setting',
  });
});

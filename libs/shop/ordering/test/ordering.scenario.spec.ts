import { randomUUID } from 'node:crypto';
import { DeadlineExceeded, ModuleUnavailable } from '@fledge/kit/contract';
import { type Fake, fake, testModule, type TestCaller, type TestedModule } from '@fledge/kit/testing';
import { CatalogContract, GetProduct, GetProducts, ProductNotFound, type ProductView } from '@shop/catalog/contract';
import { GetAvailability, InventoryContract, OutOfStock, ReleaseStock, ReserveStock } from '@shop/inventory/contract';
import { DataSource } from 'typeorm';
import {
  EmptyCart,
  ItemOutOfStock,
  ItemUnavailable,
  OrderInProgress,
  OrderNotPlaced,
  type OrderView,
  PlaceOrder,
} from '../contract/index.js';
import { OrderingModule } from '../src/index.js';
import { Settlement } from '../src/settle-orders/settlement.js';
import { OrderRepository } from '../src/storage/order.repository.js';

const products = new Map<string, ProductView>();
const catalog = fake(CatalogContract)
  .on(GetProduct, ({ productId }) => {
    const product = products.get(productId);
    if (!product) throw new ProductNotFound({ productId });
    return product;
  })
  .on(GetProducts, ({ productIds }) => productIds.flatMap((id) => products.get(id) ?? []));

let inventory: Fake;
let shop: TestedModule;

beforeAll(async () => {
  inventory = fake(InventoryContract);
  shop = await testModule(OrderingModule, { fakes: [catalog, inventory], logger: false });
});
afterAll(() => shop?.close());

beforeEach(() => {
  shop.forgetCalls();
  inventory
    .on(ReserveStock, ({ orderId, lines }) => ({ orderId, status: 'held' as const, expiresAt: new Date(), lines }))
    .on(ReleaseStock, () => undefined)
    .on(GetAvailability, ({ productIds }) => productIds.map((productId) => ({ productId, available: 5 })));
});

/** A buyer with some of a new product in the cart. */
async function buyer(
  quantity = 2,
  priceMinor = 1_500,
): Promise<{ http: TestCaller; userId: string; productId: string }> {
  const [userId, productId] = [randomUUID(), randomUUID()];
  products.set(productId, {
    id: productId,
    sku: 'T-1',
    name: 'Thing',
    description: '',
    priceMinor,
    currency: 'EUR',
    categoryId: 'things',
    active: true,
  });
  const http = shop.as({ subject: userId, roles: ['buyer'] });
  expect((await http.request('POST', '/cart/items', { productId, quantity })).status).toBe(201);
  return { http, userId, productId };
}

const place = (userId: string, idempotencyKey?: string): Promise<OrderView> =>
  shop
    .as({ subject: userId, roles: ['buyer'] })
    .execute(new PlaceOrder({ userId, ...(idempotencyKey !== undefined && { idempotencyKey }) }));
const stateOf = async (orderId: string): Promise<string | undefined> =>
  (await shop.get(OrderRepository).find(orderId))?.state;
const cartOf = async (http: TestCaller): Promise<unknown> => (await http.request('GET', '/cart')).body;
const cancel = (http: TestCaller, orderId: string) => http.request('POST', `/orders/${orderId}/cancel`);

describe('placing an order', () => {
  it("takes catalog's prices, reserves under the order's id, and empties the cart", async () => {
    const { http, userId, productId } = await buyer(2, 1_500);
    products.set(productId, { ...(products.get(productId) as ProductView), priceMinor: 1_700 });
    const order = await place(userId);
    expect(order).toMatchObject({
      userId,
      state: 'placed',
      currency: 'EUR',
      totalMinor: 3_400,
      lines: [{ productId, unitPriceMinor: 1_700, quantity: 2 }],
    });
    expect(shop.calls(ReserveStock)).toMatchObject([{ orderId: order.id, lines: [{ productId, quantity: 2 }] }]);
    expect(await cartOf(http)).toMatchObject({ items: [], totalMinor: 0 });
    expect((await http.request('GET', `/orders/${order.id}`)).body).toMatchObject({
      state: 'placed',
      history: [{ state: 'placing' }, { state: 'placed' }],
    });
  });

  it('refuses an empty cart, and a product that is not on sale any more', async () => {
    await expect(place(randomUUID())).rejects.toBeInstanceOf(EmptyCart);
    const { userId, productId } = await buyer();
    products.set(productId, { ...(products.get(productId) as ProductView), active: false });
    await expect(place(userId)).rejects.toBeInstanceOf(ItemUnavailable);
    expect(shop.calls(ReserveStock)).toEqual([]);
  });

  it('keeps the cart when there is too little stock, lists no order, and frees the key for another try', async () => {
    const { http, userId, productId } = await buyer(6);
    inventory.on(ReserveStock, () => {
      throw new OutOfStock({ productId, requested: 6, available: 5 });
    });
    await expect(place(userId, 'key')).rejects.toEqual(new ItemOutOfStock({ productId, requested: 6, available: 5 }));
    expect(await cartOf(http)).toMatchObject({ items: [{ productId, quantity: 6, available: 5, orderable: false }] });
    expect((await http.request('GET', '/orders')).body).toEqual({ items: [], nextCursor: null });
    inventory.on(ReserveStock, ({ orderId, lines }) => ({
      orderId,
      status: 'held' as const,
      expiresAt: new Date(),
      lines,
    }));
    await expect(place(userId, 'key')).resolves.toMatchObject({ state: 'placed' });
  });

  it('gives up and releases when nobody knows whether the stock is reserved', async () => {
    const { http, userId } = await buyer();
    inventory.on(ReserveStock, () => {
      throw new DeadlineExceeded('inventory', 'inventory.reserve-stock.v1', 'unknown');
    });
    const error = await place(userId, 'key').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(OrderNotPlaced);
    const { orderId } = error as OrderNotPlaced;
    expect(shop.calls(ReleaseStock)).toMatchObject([{ orderId }]);
    expect(await stateOf(orderId)).toBe('cancelled');
    expect(await cartOf(http)).toMatchObject({ items: [{ quantity: 2 }] });
  });

  it('finishes later what it gave up while inventory is away', async () => {
    const { userId } = await buyer();
    const away = (): never => {
      throw new ModuleUnavailable('inventory', 'inventory', 'missing');
    };
    inventory.on(ReserveStock, away).on(ReleaseStock, away);
    const { orderId } = (await place(userId).catch((e: unknown) => e)) as OrderNotPlaced;
    expect(await stateOf(orderId)).toBe('cancelling');
    inventory.on(ReleaseStock, () => undefined);
    expect(await shop.get(Settlement).trySettle(orderId)).toBe(true);
    expect(await stateOf(orderId)).toBe('cancelled');
  });
});

describe('placing it twice', () => {
  it('answers one order to one key, however many requests come at once', async () => {
    const { userId } = await buyer();
    const orders = await Promise.all(Array.from({ length: 6 }, () => place(userId, 'key')));
    expect(new Set(orders.map((order) => order.id)).size).toBe(1);
    expect((await place(userId, 'key')).id).toBe(orders[0]?.id);
  });

  it('keeps the keys of two users apart', async () => {
    const [ann, bob] = [await buyer(), await buyer()];
    expect((await place(ann.userId, 'key')).id).not.toBe((await place(bob.userId, 'key')).id);
  });

  it('never orders one cart twice without a key', async () => {
    const { http, userId } = await buyer();
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => place(userId)));
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
    for (const r of results)
      if (r.status === 'rejected') expect([OrderInProgress, EmptyCart]).toContain((r.reason as object).constructor);
    expect((await http.request('GET', '/orders')).body).toMatchObject({ items: [{ state: 'placed' }] });
  });

  it('goes on with an order whose request died, under the same key', async () => {
    const { userId, productId } = await buyer();
    const priced = {
      currency: 'EUR',
      totalMinor: 3_000,
      lines: [{ productId, sku: 'T-1', name: 'Thing', unitPriceMinor: 1_500, quantity: 2 }],
    };
    const left = await shop.get(OrderRepository).add(userId, 'key', priced);
    await expect(place(userId)).rejects.toBeInstanceOf(OrderInProgress);
    await expect(place(userId, 'key')).resolves.toMatchObject({ id: left.id, state: 'placed' });
  });

  // A process that was killed locked its user out for half a minute, three times as long as any request takes.
  it.each([
    ['is refused while the request that has it may go on', '5 s', 'placing'],
    ["locks its user out for the request's own time at most", '10 s', 'cancelling'],
    ['locks nobody out when a clock was set back meanwhile', '-10 min', 'cancelling'],
  ])('an order whose request died %s', async (_, age, state) => {
    const { userId, productId } = await buyer();
    const left = await shop.get(OrderRepository).add(userId, undefined, {
      currency: 'EUR',
      totalMinor: 3_000,
      lines: [{ productId, sku: 'T-1', name: 'Thing', unitPriceMinor: 1_500, quantity: 2 }],
    });
    await shop
      .get(DataSource)
      .query('UPDATE orders SET created_at = now() - CAST($2 AS interval) WHERE id = $1', [left.id, age]);
    const placed = await place(userId).catch((e: unknown) => e);
    if (state === 'placing') expect(placed).toBeInstanceOf(OrderInProgress);
    else expect(placed).toMatchObject({ state: 'placed' });
    expect(state === 'placing' ? ['placing'] : ['cancelling', 'cancelled']).toContain(await stateOf(left.id));
  });

  it('an order whose request died is given back by the settlement when nobody orders again', async () => {
    const { userId, productId } = await buyer();
    const left = await shop.get(OrderRepository).add(userId, undefined, {
      currency: 'EUR',
      totalMinor: 3_000,
      lines: [{ productId, sku: 'T-1', name: 'Thing', unitPriceMinor: 1_500, quantity: 2 }],
    });
    expect(await shop.get(OrderRepository).leftBehind(new Date(Date.now() + 5_000), 50)).not.toContain(left.id);
    expect(await shop.get(OrderRepository).leftBehind(new Date(Date.now() + 10_000), 50)).toContain(left.id);
  });

  it('an order keeps how much time its request has left', async () => {
    const { http, userId } = await buyer();
    const kept: (number | undefined)[] = [];
    inventory.on(ReserveStock, async ({ orderId, lines }) => {
      kept.push((await shop.get(OrderRepository).findPlacing(userId))?.placingMs);
      return { orderId, status: 'held' as const, expiresAt: new Date(), lines };
    });
    expect((await http.request('POST', '/orders')).status).toBe(201);
    expect(kept).toHaveLength(1);
    expect(kept[0]).toBeGreaterThan(0);
    expect(kept[0]).toBeLessThanOrEqual(10_000);
  });

  it('gives up for good what was given up while its stock was being reserved', async () => {
    const { userId } = await buyer();
    inventory.on(ReserveStock, async ({ orderId, lines }) => {
      await shop.get(OrderRepository).move(orderId, 'placing', 'cancelling', 'its request was lost');
      return { orderId, status: 'held' as const, expiresAt: new Date(), lines };
    });
    const error = (await place(userId).catch((e: unknown) => e)) as OrderNotPlaced;
    expect(error).toBeInstanceOf(OrderNotPlaced);
    expect(shop.calls(ReleaseStock)).toMatchObject([{ orderId: error.orderId }]);
    expect(await stateOf(error.orderId)).toBe('cancelled');
  });
});

describe('cancelling', () => {
  it('releases the stock, once', async () => {
    const { http, userId } = await buyer();
    const { id } = await place(userId);
    expect(await cancel(http, id)).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(await cancel(http, id)).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(shop.calls(ReleaseStock)).toMatchObject([{ orderId: id }]);
    expect((await http.request('GET', '/orders')).body).toMatchObject({ items: [{ id, state: 'cancelled' }] });
  });

  it('is accepted while inventory is away, and finished later', async () => {
    const { http, userId } = await buyer();
    const { id } = await place(userId);
    inventory.on(ReleaseStock, () => {
      throw new ModuleUnavailable('inventory', 'inventory.release-stock.v1', 'missing');
    });
    expect(await cancel(http, id)).toMatchObject({ status: 200, body: { state: 'cancelling' } });
    inventory.on(ReleaseStock, () => undefined);
    expect(await cancel(http, id)).toMatchObject({ status: 200, body: { state: 'cancelled' } });
  });

  it("shows and cancels nobody else's order", async () => {
    const { userId } = await buyer();
    const { id } = await place(userId);
    const stranger = shop.as({ subject: randomUUID(), roles: ['buyer'] });
    expect(await stranger.request('GET', `/orders/${id}`)).toMatchObject({
      status: 404,
      body: { code: 'ordering.order-not-found.v1' },
    });
    expect(await cancel(stranger, id)).toMatchObject({ status: 404 });
    expect(await stateOf(id)).toBe('placed');
  });
});

it('pages through the orders of a user, the newest first', async () => {
  const { http, userId, productId } = await buyer(1);
  const placed: string[] = [];
  for (let i = 0; i < 5; i++) {
    placed.unshift((await place(userId)).id);
    await http.request('POST', '/cart/items', { productId, quantity: 1 });
  }
  const seen: string[] = [];
  for (let url: string | undefined = '/orders?limit=2'; url;) {
    const { items, nextCursor } = (await http.request('GET', url)).body as {
      items: { id: string }[];
      nextCursor: string | null;
    };
    seen.push(...items.map((item) => item.id));
    url = nextCursor === null ? undefined : `/orders?limit=2&cursor=${nextCursor}`;
  }
  expect([...seen].sort()).toEqual([...placed].sort());
});

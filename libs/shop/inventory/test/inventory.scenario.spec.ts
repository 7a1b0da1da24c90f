import { randomUUID } from 'node:crypto';
import { eventually, fake, testModule, type TestedModule } from '@fledge/kit/testing';
import { CatalogContract, GetProduct, ProductNotFound } from '@shop/catalog/contract';
import {
  GetAvailability,
  OutOfStock,
  ReleaseStock,
  ReservationDiffers,
  ReservationReleased,
  ReserveStock,
  SaleRefused,
  SellStock,
  StockReleased,
  StockSold,
} from '../contract/index.js';
import { InventoryModule } from '../src/index.js';

const staff = { subject: randomUUID(), roles: ['staff'] };
const gone = randomUUID();
const catalog = fake(CatalogContract).on(GetProduct, ({ productId }) => {
  if (productId === gone) throw new ProductNotFound({ productId });
  return {
    id: productId,
    sku: 'T-1',
    name: 'Thing',
    description: '',
    priceMinor: 100,
    currency: 'EUR',
    categoryId: 'things',
    active: true,
  };
});

let shop: TestedModule;
beforeAll(async () => {
  shop = await testModule(InventoryModule, { identity: staff, fakes: [catalog] });
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
const reserve = (productId: string, quantity: number, orderId = randomUUID()) =>
  shop.execute(new ReserveStock({ orderId, lines: [{ productId, quantity }] }));

describe('receiving', () => {
  it('receives a delivery once, however often and however fast it is sent', async () => {
    const body = { productId: randomUUID(), quantity: 7, reference: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 5 }, () => shop.request('POST', '/stock/receipts', body)));
    expect(answers.map((a) => a.status)).toEqual([201, 201, 201, 201, 201]);
    expect(await stockOf(body.productId)).toMatchObject({ received: 7, available: 7 });
  });

  it('refuses another delivery with the same reference, and a product that catalog does not have', async () => {
    const body = { productId: randomUUID(), quantity: 7, reference: randomUUID() };
    await shop.request('POST', '/stock/receipts', body);
    expect(await shop.request('POST', '/stock/receipts', { ...body, quantity: 8 })).toMatchObject({
      status: 409,
      body: { code: 'inventory.receipt-differs.v1' },
    });
    expect(
      await shop.request('POST', '/stock/receipts', { productId: gone, quantity: 1, reference: randomUUID() }),
    ).toMatchObject({ status: 404 });
  });

  it('is for staff', async () => {
    expect(
      (await shop.as({ subject: randomUUID(), roles: ['buyer'] }).request('GET', `/stock/${randomUUID()}`)).status,
    ).toBe(403);
    expect((await shop.as(undefined).request('GET', `/stock/${randomUUID()}`)).status).toBe(401);
  });
});

describe('reserving', () => {
  it('gives the last ten to ten of fifty who ask at once', async () => {
    const productId = await stocked(10);
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => reserve(productId, 1)));
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(10);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(OutOfStock);
    expect(await stockOf(productId)).toMatchObject({ received: 10, available: 0, reserved: 10, sold: 0 });
  });

  it('takes all lines or none', async () => {
    const [plenty, few] = [await stocked(10), await stocked(1)];
    const orderId = randomUUID();
    const lines = [
      { productId: plenty, quantity: 5 },
      { productId: few, quantity: 2 },
    ];
    await expect(shop.execute(new ReserveStock({ orderId, lines }))).rejects.toMatchObject({
      productId: few,
      requested: 2,
      available: 1,
    });
    expect(await stockOf(plenty)).toMatchObject({ available: 10, reserved: 0 });
  });

  it('answers the same reservation to the same order, also when both come at once', async () => {
    const productId = await stocked(10);
    const orderId = randomUUID();
    const [one, two] = await Promise.all([reserve(productId, 3, orderId), reserve(productId, 3, orderId)]);
    expect(one).toEqual(two);
    expect(await stockOf(productId)).toMatchObject({ available: 7, reserved: 3 });
    await expect(reserve(productId, 4, orderId)).rejects.toBeInstanceOf(ReservationDiffers);
  });

  it('never waits in a circle: orders that name the same products in opposite order', async () => {
    const [a, b] = [await stocked(100), await stocked(100)];
    const orders = Array.from({ length: 40 }, (_, i) =>
      [a, b].sort(() => (i % 2 ? 1 : -1)).map((productId) => ({ productId, quantity: 1 })),
    );
    await Promise.all(orders.map((lines) => shop.execute(new ReserveStock({ orderId: randomUUID(), lines }))));
    expect(await stockOf(a)).toMatchObject({ available: 60, reserved: 40 });
  });

  it('lets an order that was refused try again', async () => {
    const productId = await stocked(1);
    const orderId = randomUUID();
    await expect(reserve(productId, 2, orderId)).rejects.toBeInstanceOf(OutOfStock);
    await shop.request('POST', '/stock/receipts', { productId, quantity: 1, reference: randomUUID() });
    await expect(reserve(productId, 2, orderId)).resolves.toMatchObject({ status: 'held' });
  });
});

describe('releasing', () => {
  it('gives back once, however often it is told', async () => {
    const productId = await stocked(5);
    const orderId = randomUUID();
    await reserve(productId, 4, orderId);
    await Promise.all([1, 2, 3].map(() => shop.execute(new ReleaseStock({ orderId }))));
    expect(await stockOf(productId)).toMatchObject({ received: 5, available: 5, reserved: 0 });
  });

  // An order that gave up waiting releases what it may have reserved: its reservation, if it comes late, must not hold
  // stock for ever.
  it('wins also when it overtakes the reservation', async () => {
    const productId = await stocked(5);
    const orderId = randomUUID();
    await shop.execute(new ReleaseStock({ orderId }));
    await expect(reserve(productId, 4, orderId)).rejects.toBeInstanceOf(ReservationReleased);
    expect(await stockOf(productId)).toMatchObject({ available: 5, reserved: 0 });
  });

  it('wins a race with its reservation, whichever is first', async () => {
    const productId = await stocked(20);
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const orderId = randomUUID();
        await Promise.all([
          reserve(productId, 1, orderId).catch((error: unknown) => expect(error).toBeInstanceOf(ReservationReleased)),
          shop.execute(new ReleaseStock({ orderId })),
        ]);
      }),
    );
    expect(await stockOf(productId)).toMatchObject({ available: 20, reserved: 0 });
  });
});

describe('selling', () => {
  const told = async (orderId: string): Promise<string[]> => {
    const events = [
      ...(await shop.messages.published(StockSold)),
      ...(await shop.messages.published(SaleRefused)),
      ...(await shop.messages.published(StockReleased)),
    ];
    return events.filter((event) => event.orderId === orderId).map((event) => event.constructor.name);
  };

  it('sells what is reserved, once, when the command comes durably, however often', async () => {
    const productId = await stocked(5);
    const orderId = randomUUID();
    await reserve(productId, 2, orderId);
    for (let i = 0; i < 3; i++) await shop.messages.deliver(new SellStock({ orderId }));
    await eventually(
      async () => expect(await told(orderId)).toEqual(['StockSold', 'StockSold', 'StockSold']),
      'told three times',
    );
    expect(await stockOf(productId)).toMatchObject({ received: 5, available: 3, reserved: 0, sold: 2 });
  });

  it('takes back what was sold', async () => {
    const productId = await stocked(5);
    const orderId = randomUUID();
    await reserve(productId, 2, orderId);
    await shop.execute(new SellStock({ orderId }));
    await shop.execute(new ReleaseStock({ orderId }));
    expect(await stockOf(productId)).toMatchObject({ received: 5, available: 5, reserved: 0, sold: 0 });
    expect(await told(orderId)).toEqual(['StockSold', 'StockReleased']);
  });

  it('refuses to sell what is not reserved, or no longer', async () => {
    const [never, released] = [randomUUID(), randomUUID()];
    await reserve(await stocked(1), 1, released);
    await shop.execute(new ReleaseStock({ orderId: released }));
    await shop.execute(new SellStock({ orderId: never }));
    await shop.execute(new SellStock({ orderId: released }));
    expect(await told(never)).toEqual(['SaleRefused']);
    expect(await told(released)).toEqual(['SaleRefused', 'StockReleased']);
  });

  it('and releasing race, and the stock adds up', async () => {
    const productId = await stocked(50);
    const orders = Array.from({ length: 50 }, () => randomUUID());
    await Promise.all(orders.map((orderId) => reserve(productId, 1, orderId)));
    await Promise.all(
      orders.flatMap((orderId) => [
        shop.execute(new SellStock({ orderId })),
        shop.execute(new ReleaseStock({ orderId })),
      ]),
    );
    expect(await stockOf(productId)).toMatchObject({ received: 50, available: 50, reserved: 0, sold: 0 });
  });
});

it('answers a number for each product, 0 for one that never had stock', async () => {
  const [some, none] = [await stocked(3), randomUUID()];
  expect(await shop.execute(new GetAvailability({ productIds: [none, some] }))).toEqual([
    { productId: none, available: 0 },
    { productId: some, available: 3 },
  ]);
});

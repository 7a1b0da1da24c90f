import type { Shop } from './shop.js';

interface Page {
  readonly items: readonly { readonly id: string; readonly name: string; readonly priceMinor: number }[];
  readonly nextCursor: string | null;
}
interface Cart {
  readonly items: readonly { readonly productId: string; readonly quantity: number; readonly available: number }[];
  readonly totalMinor: number;
}
interface Order {
  readonly id: string;
  readonly state: string;
  readonly totalMinor: number;
}
interface Stock {
  readonly received: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
}

/** Names that are unique to this run, so that a journey can be repeated on one database. */
const CATEGORY = 'journey';

/** A whole visit to the shop, with staff at work: every resource, in the order in which people use them. */
export async function buyersJourney(shop: Shop, run = '1'): Promise<void> {
  const staff = await shop.staff();
  const categoryId = `${CATEGORY}-${run}`;
  await shop.expect(201, 'POST', '/categories', { token: staff, body: { id: categoryId, name: 'Journey' } });
  const lamp = await shop.product(
    staff,
    { sku: `JOURNEY-${run}-LAMP`, name: 'Zebrawood Lamp', priceMinor: 4_500, categoryId },
    10,
  );
  const shelf = await shop.product(
    staff,
    { sku: `JOURNEY-${run}-SHELF`, name: 'Zebrawood Shelf', priceMinor: 12_900, categoryId },
    3,
  );
  const rare = await shop.product(
    staff,
    { sku: `JOURNEY-${run}-RARE`, name: 'Rare Clock', priceMinor: 99_000, categoryId },
    0,
  );
  await shop.expect(200, 'PATCH', `/products/${shelf}`, { token: staff, body: { priceMinor: 11_900 } });

  await browse(shop, categoryId, [lamp, shelf, rare]);
  const buyer = await shop.newBuyer(`buyer-${run}@journey.test`);
  await shop.expect(200, 'GET', '/users/me', { token: buyer });
  await fillCart(shop, buyer, lamp, shelf);
  await order(shop, buyer, staff, { lamp, shelf, rare, run });
  const payer = await shop.newBuyer(`payer-${run}@journey.test`);
  await pay(shop, payer, staff, lamp);
}

async function browse(shop: Shop, categoryId: string, made: readonly string[]): Promise<void> {
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await shop.expect(
      200,
      'GET',
      `/products?categoryId=${categoryId}&sort=name&limit=2${cursor === null ? '' : `&cursor=${cursor}`}`,
    );
    seen.push(...page.items.map((item) => item.id));
    cursor = page.nextCursor;
  } while (cursor !== null);
  equal([...seen].sort(), [...made].sort(), 'the products of all pages');

  const dear: Page = await shop.expect(
    200,
    'GET',
    `/products?categoryId=${categoryId}&sort=price&direction=desc&priceMax=50000`,
  );
  equal(
    dear.items.map((item) => item.priceMinor),
    [11_900, 4_500],
    'the prices, the highest first',
  );
  const found: Page = await shop.expect(200, 'GET', `/products?q=zebrawood&categoryId=${categoryId}&sort=name`);
  equal(
    found.items.map((item) => item.name),
    ['Zebrawood Lamp', 'Zebrawood Shelf'],
    'what a search finds',
  );
  await shop.expect(200, 'GET', `/products/${made[0]}`);
}

async function fillCart(shop: Shop, buyer: string, lamp: string, shelf: string): Promise<void> {
  await shop.expect(201, 'POST', '/cart/items', { token: buyer, body: { productId: lamp, quantity: 1 } });
  await shop.expect(201, 'POST', '/cart/items', { token: buyer, body: { productId: shelf, quantity: 5 } });
  await shop.expect(200, 'PATCH', `/cart/items/${lamp}`, { token: buyer, body: { quantity: 2 } });
  await shop.expect(204, 'DELETE', `/cart/items/${shelf}`, { token: buyer });
  const cart: Cart = await shop.expect(200, 'GET', '/cart', { token: buyer });
  equal(
    cart.items.map((item) => [item.productId, item.quantity, item.available]),
    [[lamp, 2, 10]],
    'the cart',
  );
  equal(cart.totalMinor, 9_000, "the cart's total");
}

async function order(
  shop: Shop,
  buyer: string,
  staff: string,
  { lamp, shelf, rare, run }: Record<'lamp' | 'shelf' | 'rare' | 'run', string>,
): Promise<void> {
  const stockOf = (id: string): Promise<Stock> => shop.expect(200, 'GET', `/stock/${id}`, { token: staff });
  const key = { 'idempotency-key': `order ${run}` };
  const placed: Order = await shop.expect(201, 'POST', '/orders', { token: buyer, body: {}, headers: key });
  equal([placed.state, placed.totalMinor], ['placed', 9_000], 'the order');
  const again = await shop.request('POST', '/orders', { token: buyer, body: {}, headers: key });
  equal((again.body as Order).id, placed.id, 'the order of the same key');
  equal(
    await stockOf(lamp),
    { ...(await stockOf(lamp)), received: 10, available: 8, reserved: 2, sold: 0 },
    'the stock after the order',
  );

  await shop.expect(201, 'POST', '/cart/items', { token: buyer, body: { productId: shelf, quantity: 1 } });
  await shop.expect(201, 'POST', '/cart/items', { token: buyer, body: { productId: rare, quantity: 1 } });
  const refused = await shop.request('POST', '/orders', { token: buyer, body: {} });
  equal(refused.status, 409, 'the status of an order that stock does not cover');
  equal((await stockOf(shelf)).reserved, 0, 'what is reserved of the other lines');

  const mine: Page = await shop.expect(200, 'GET', '/orders', { token: buyer });
  equal(
    mine.items.map((item) => item.id),
    [placed.id],
    'my orders',
  );
  await shop.expect(200, 'GET', `/orders/${placed.id}`, { token: buyer });
  const other = await shop.newBuyer(`other-${run}@journey.test`);
  await shop.expect(404, 'GET', `/orders/${placed.id}`, { token: other });
  const cancelled: Order = await shop.expect(200, 'POST', `/orders/${placed.id}/cancel`, { token: buyer });
  equal(cancelled.state, 'cancelled', 'the state of the cancelled order');
  equal((await stockOf(lamp)).available, 10, 'the stock after the cancellation');
}

/** Payment methods of the sandbox, and what becomes of orders that are paid with them. */
const PAID: readonly (readonly [paymentMethod: string, state: string])[] = [
  ['pm_card_approved', 'completed'],
  ['pm_card_declined', 'cancelled'],
  ['pm_card_insufficient_funds', 'cancelled'],
  ['pm_card_error_then_success', 'completed'],
  ['pm_card_duplicate_webhook', 'completed'],
];

/** Paid orders, each to its end: the final state of the order, its payment and the stock. */
async function pay(shop: Shop, buyer: string, staff: string, lamp: string): Promise<void> {
  const orders: { readonly id: string; readonly ends: string }[] = [];
  for (const [paymentMethod, ends] of PAID) {
    await shop.expect(201, 'POST', '/cart/items', { token: buyer, body: { productId: lamp, quantity: 1 } });
    const { id }: Order = await shop.expect(201, 'POST', '/orders', { token: buyer, body: { paymentMethod } });
    orders.push({ id, ends });
  }
  for (const { id, ends } of orders) {
    await shop.until(`/orders/${id}`, buyer, (body) => (body as Order).state === ends);
    await shop.expect(200, 'GET', `/orders/${id}`, { token: buyer });
    await shop.expect(200, 'GET', `/payments/${id}`, { token: buyer });
  }
  const stock: Stock = await shop.expect(200, 'GET', `/stock/${lamp}`, { token: staff });
  equal([stock.available, stock.reserved, stock.sold], [7, 0, 3], 'the stock after the orders that were paid');
}

function equal(actual: unknown, expected: unknown, what: string): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected))
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

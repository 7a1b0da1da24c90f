import { eventually, testNatsUrl } from '@fledge/kit/testing';
import { Shop } from './journeys/shop.js';
import { Line } from './line.js';
import { type StartedShop, startGroups } from './started-shop.js';

let line: Line;
let started: StartedShop | undefined;

beforeEach(async () => {
  line = await Line.to(testNatsUrl());
});
afterEach(async () => {
  await started?.stop();
  started = undefined;
  line.cut();
});

// Every service said that it was not ready, and the front door answered 503 for all there is.
it('goes on with what needs only the database while the broker is away, and refuses the rest as one to try again', async () => {
  started = await startGroups(
    [['identity'], ['catalog'], ['inventory', 'payments', 'shipping', 'notifications'], ['ordering']],
    { poolMax: 4, natsUrl: line.url },
  );
  const shop = new Shop(started.url);
  const staff = await shop.staff();
  await shop.expect(201, 'POST', '/categories', { token: staff, body: { id: 'away', name: 'Away' } });
  const productId = await shop.product(
    staff,
    { sku: 'AWAY-1', name: 'There', priceMinor: 100, categoryId: 'away' },
    10,
  );
  const buyer = await shop.newBuyer('away@shop.test');
  await shop.expect(201, 'POST', '/cart/items', { token: buyer, body: { productId, quantity: 1 } });
  await shop.expect(200, 'GET', '/cart', { token: buyer });

  line.cut();
  const order = (): Promise<Response> =>
    fetch(`${started?.url}/orders`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${buyer}` },
    });
  for (let i = 0; i < 3; i++) {
    const refused = await order();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await refused.json()).toMatchObject({ code: 'fledge.module-unavailable', data: { reason: 'disconnected' } });
    await shop.expect(200, 'GET', '/products');
    await shop.expect(200, 'GET', `/products/${productId}`);
    await shop.expect(200, 'GET', '/users/me', { token: buyer });
    await shop.expect(200, 'GET', '/readyz');
  }

  await line.mend();
  await eventually(async () => (await order()).status === 201, 'an order after the return of the broker', 10_000);
}, 120_000);

import { eventually, testApplication, type TestedApplication } from '@fledge/kit/testing';
import pg from 'pg';
import { Shop } from './journeys/shop.js';
import { shop as application } from '../src/modules.js';

const ENDED_WITHIN_MS = 30_000;
const UNITS = 1_000;
const PRICE_MINOR = 100;
/** The slow card takes longer than a payment may. */
const SETTINGS = {
  catalog: { demo: false },
  inventory: { demo: false },
  ordering: { paymentTimeoutMs: 1_000 },
  payments: { sandboxSlowMs: 3_000 },
  shipping: { dispatchAfterMs: 0 },
};

interface Order {
  readonly id: string;
  readonly state: string;
  readonly history: readonly { readonly what: string; readonly state?: string; readonly reason?: string }[];
}
interface Payment {
  readonly state: string;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  readonly history: readonly { readonly state: string }[];
}

describe.each(['monolith', 'split'])('orders that come to nothing, in %s', (topology) => {
  let app: TestedApplication;
  let tables: pg.Client;
  let shop: Shop;
  let staff: string;
  let productId: string;

  beforeAll(async () => {
    app = await testApplication(application, { topology, settings: SETTINGS }).start();
    tables = new pg.Client({ connectionString: app.databaseUrl });
    await tables.connect();
    shop = new Shop(app.url);
    staff = await shop.staff();
    await shop.expect(201, 'POST', '/categories', { token: staff, body: { id: 'doubt', name: 'Doubt' } });
    productId = await shop.product(
      staff,
      { sku: 'DOUBT-1', name: 'Maybe', priceMinor: PRICE_MINOR, categoryId: 'doubt' },
      UNITS,
    );
  }, 60_000);
  afterAll(async () => {
    await tables?.end();
    await app?.close();
  });

  const rows = async <T extends object>(sql: string, parameters: unknown[] = []): Promise<T[]> =>
    (await tables.query<T>(sql, parameters)).rows;

  async function order(token: string, paymentMethod: string): Promise<string> {
    await shop.expect(201, 'POST', '/cart/items', { token, body: { productId, quantity: 1 } });
    return (await shop.expect<Order>(201, 'POST', '/orders', { token, body: { paymentMethod } })).id;
  }

  const get = (token: string, id: string): Promise<Order> => shop.expect(200, 'GET', `/orders/${id}`, { token });
  const ended = (token: string, id: string, states: readonly string[]): Promise<void> =>
    shop.until(`/orders/${id}`, token, (body) => states.includes((body as Order).state), ENDED_WITHIN_MS);

  /** All accounts of an order balance, and the provider holds of it what the shop says; answers its payment. */
  async function settled(id: string): Promise<Payment> {
    const [{ sum } = { sum: 'none' }] = await rows<{ sum: string }>(
      'select coalesce(sum(amount_minor), 0) as sum from payments.ledger_entry where order_id = $1',
      [id],
    );
    expect(sum).toBe('0');
    const held = await rows<{ account: string }>(
      "select account from payments.ledger_entry where order_id = $1 and account in ('authorised', 'commitments') group by account having sum(amount_minor) <> 0",
      [id],
    );
    expect(held).toEqual([]);
    const payment: Payment = await shop.expect(200, 'GET', `/payments/${id}`, { token: staff });
    const booked = await rows<{ operation: string }>(
      "select line ->> 'operation' as operation from payments.sandbox_book where line ->> 'orderId' = $1 and outcome = 'approved'",
      [id],
    );
    const times = (operation: string): number => booked.filter((line) => line.operation === operation).length;
    expect(times('authorise')).toBe(times('void') + times('capture'));
    expect([times('capture') * PRICE_MINOR, times('refund') * PRICE_MINOR]).toEqual([
      payment.capturedMinor,
      payment.refundedMinor,
    ]);
    return payment;
  }

  /** Sold pieces that were not given back with their money. */
  let kept = 0;

  /** What is sold is what completed orders have, and refunded ones that kept it. */
  async function stockAddsUp(): Promise<void> {
    await eventually(
      async () => {
        const [{ count } = { count: '0' }] = await rows<{ count: string }>(
          "select count(*) from ordering.orders where state in ('shipped', 'completed')",
        );
        const sold = Number(count) + kept;
        expect(await shop.expect(200, 'GET', `/stock/${productId}`, { token: staff })).toMatchObject({
          received: UNITS,
          available: UNITS - sold,
          reserved: 0,
          sold,
        });
      },
      'stock that adds up',
      ENDED_WITHIN_MS,
    );
  }

  it('voids what a slow card sets aside when its order is given up already', async () => {
    const token = await shop.newBuyer('slow@doubt.test');
    const id = await order(token, 'pm_card_slow');
    await ended(token, id, ['cancelled', 'completed']);
    const { history } = await get(token, id);
    expect(history.at(-1)).toMatchObject({ state: 'cancelled', reason: 'the payment was not authorised in time' });
    const payment = await settled(id);
    expect(payment).toMatchObject({ state: 'voided', capturedMinor: 0, refundedMinor: 0 });
    expect(payment.history.map((step) => step.state)).toEqual(['authorising', 'voiding', 'voided']);
    await stockAddsUp();
  }, 60_000);

  it('refunds what was taken when staff say so, and gives the stock back if that is asked for', async () => {
    const token = await shop.newBuyer('sorry@doubt.test');
    for (const restock of [false, true]) {
      const id = await order(token, 'pm_card_approved');
      await ended(token, id, ['completed']);
      await shop.expect(200, 'POST', `/orders/${id}/refund`, {
        token: staff,
        body: { reason: 'came broken', restock },
      });
      await ended(token, id, ['refunded']);
      if (!restock) kept++;
      expect((await get(token, id)).history.at(-1)).toMatchObject({ state: 'refunded', reason: 'came broken' });
      expect(await settled(id)).toMatchObject({
        state: 'refunded',
        capturedMinor: PRICE_MINOR,
        refundedMinor: PRICE_MINOR,
      });
      await stockAddsUp();
      expect((await shop.request('POST', `/orders/${id}/cancel`, { token })).status).toBe(409);
    }
  }, 60_000);

  // Each order is cancelled at another moment, so that together they are cancelled at each step and between them.
  it('lets a buyer cancel at any moment: the order ends as cancelled, or as completed when it was too late and is sent, and all adds up', async () => {
    const token = await shop.newBuyer('fickle@doubt.test');
    const ids: string[] = [];
    const cancelling: Promise<number>[] = [];
    for (let i = 0; i < 24; i++) {
      const id = await order(token, i % 4 === 3 ? 'pm_card_duplicate_webhook' : 'pm_card_approved');
      ids.push(id);
      const until = performance.now() + i * 25;
      await eventually(() => Promise.resolve(performance.now() >= until), 'the moment to cancel');
      cancelling.push(
        ...[1, 2].map(() => shop.request('POST', `/orders/${id}/cancel`, { token }).then(({ status }) => status)),
      );
    }
    const answers = await Promise.all(cancelling);
    expect(answers.filter((status) => status !== 200 && status !== 409)).toEqual([]);
    for (const [i, id] of ids.entries()) {
      await ended(token, id, ['cancelled', 'completed']);
      const { state, history } = await get(token, id);
      const accepted = answers.slice(2 * i, 2 * i + 2).filter((status) => status === 200).length;
      // One that was accepted may turn out to be on its way already.
      const isLate = accepted > 0 && history.some(({ what }) => what === 'it was too late to cancel');
      expect([id, state]).toEqual([id, accepted > 0 && !isLate ? 'cancelled' : 'completed']);
      const shipped = await rows(
        "select order_id from shipping.shipments where order_id = $1 and state in ('dispatched', 'delivered')",
        [id],
      );
      expect(shipped).toHaveLength(state === 'completed' ? 1 : 0);
      const { capturedMinor, refundedMinor } = await settled(id);
      expect(capturedMinor - refundedMinor).toBe(state === 'completed' ? PRICE_MINOR : 0);
      if (state === 'cancelled') expect(history.at(-1)).toMatchObject({ reason: 'cancelled by the buyer' });
    }
    expect(answers).toContain(200);
    await stockAddsUp();
    expect(
      await rows(
        'select * from ordering.fledge_dead_letter union all select * from payments.fledge_dead_letter union all select * from inventory.fledge_dead_letter union all select * from shipping.fledge_dead_letter',
      ),
    ).toEqual([]);
  }, 120_000);
});

import { randomBytes } from 'node:crypto';
import { type FrontDoor, frontDoor } from '@fledge/cli/front-door';
import { eventually, type FreshDatabase, freshDatabase, testNatsUrl } from '@fledge/kit/testing';
import pg from 'pg';
import { Shop } from './journeys/shop.js';
import { ServiceProcess, type Surroundings } from './service-process.js';
import { MODULES, routesOf } from './started-shop.js';

const READY_WITHIN_MS = 30_000;
const BUYERS = 4;
const KILLS = 5;
const CARDS = [
  'pm_card_approved',
  'pm_card_error_then_success',
  'pm_card_declined',
  'pm_card_duplicate_webhook',
  'pm_card_approved',
  'pm_card_insufficient_funds',
];
const ANSWERED_WITHIN_MS = 60_000;
const ENDED_WITHIN_MS = 90_000;

interface Place {
  readonly topology: string;
  readonly service: string;
}

/** Each has two replicas of what is killed. */
const WORLDS: readonly {
  readonly name: string;
  readonly places: readonly Place[];
  readonly killed: readonly string[];
}[] = [
  {
    name: 'as one process, twice',
    places: Array.from({ length: 2 }, () => ({ topology: 'monolith', service: 'shop' })),
    killed: ['shop'],
  },
  {
    name: 'as services',
    places: MODULES.map((service) => ({ topology: 'split', service })),
    killed: ['ordering', 'payments', 'inventory', 'shipping'],
  },
];

let database: FreshDatabase;
let door: FrontDoor;
let around: Surroundings;
let tables: pg.Client;
const running = new Set<ServiceProcess>();

beforeEach(async () => {
  database = await freshDatabase();
  door = await frontDoor({ port: 0 });
  around = { databaseUrl: database.url, natsUrl: testNatsUrl(), namespace: `crash${randomBytes(5).toString('hex')}` };
  tables = new pg.Client({ connectionString: database.url });
  await tables.connect();
});

afterEach(async () => {
  await tables.end();
  await door.close();
  await Promise.all([...running].map((process) => process.kill()));
  running.clear();
  await database.drop();
});

async function start({ topology, service }: Place): Promise<ServiceProcess> {
  const process = await ServiceProcess.start(topology, service, around);
  running.add(process);
  door.add(process.url, routesOf(service === 'shop' ? MODULES : [service]));
  return process;
}

/** SIGKILLs replicas one after the other, and starts each again. */
async function injure(killed: readonly string[], places: readonly Place[]): Promise<void> {
  for (let i = 0; i < KILLS; i++) {
    const victims = [...running].filter((process) => killed.includes(process.service));
    const victim = victims[Math.floor(Math.random() * victims.length)] as ServiceProcess;
    await victim.kill();
    running.delete(victim);
    await door.remove(victim.url);
    const fresh = await start(places.find((place) => place.service === victim.service) as Place);
    await door.whenReady(READY_WITHIN_MS, [fresh.url]);
  }
}

/**
 * Orders one piece with each card, and sends each order until it is answered for good. Answers the orders that were
 * placed.
 */
async function buy(shop: Shop, token: string, productId: string, buyer: number): Promise<string[]> {
  const placed: string[] = [];
  for (const [i, paymentMethod] of CARDS.entries()) {
    const until = performance.now() + ANSWERED_WITHIN_MS;
    const insist = async (method: string, path: string, body: unknown, headers = {}): Promise<unknown> => {
      for (;;) {
        const answer = await shop.request(method, path, { token, body, headers }).catch(() => undefined);
        if (answer && answer.status < 300) return answer.body;
        if (performance.now() > until) throw new Error(`${method} ${path} is answered ${JSON.stringify(answer)} still`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    await insist('POST', '/cart/items', { productId, quantity: 1 });
    await insist('PATCH', `/cart/items/${productId}`, { quantity: 1 });
    const { id } = (await insist(
      'POST',
      '/orders',
      { paymentMethod },
      { 'idempotency-key': `order ${buyer} ${i}` },
    )) as { id: string };
    placed.push(id);
  }
  return placed;
}

const count = async (sql: string, parameters: unknown[] = []): Promise<number> =>
  Number((await tables.query<{ count: string }>(`select count(*) from ${sql}`, parameters)).rows[0]?.count);

it.each(WORLDS)(
  'loses no order and charges none twice while replicas are killed: $name',
  async ({ places, killed }) => {
    for (const place of places) await start(place);
    await door.whenReady(READY_WITHIN_MS);
    const shop = new Shop(`http://127.0.0.1:${door.port}`);
    const staff = await shop.staff();
    await shop.expect(201, 'POST', '/categories', { token: staff, body: { id: 'crash', name: 'Crash' } });
    const productId = await shop.product(
      staff,
      { sku: 'CRASH-1', name: 'Sturdy', priceMinor: 100, categoryId: 'crash' },
      1_000,
    );
    const tokens: string[] = [];
    for (let i = 0; i < BUYERS; i++) tokens.push(await shop.newBuyer(`crash-${i}@crash.test`));

    const [orders] = await Promise.all([
      Promise.all(tokens.map((token, i) => buy(shop, token, productId, i))).then((all) => all.flat()),
      injure(killed, places),
    ]);
    expect(new Set(orders).size).toBe(BUYERS * CARDS.length);

    await eventually(
      async () =>
        expect(
          await count("ordering.orders where id = any($1) and state not in ('completed', 'cancelled')", [orders]),
        ).toBe(0),
      'every order at its end',
      ENDED_WITHIN_MS,
    );
    const completed = await count("ordering.orders where state = 'completed'");
    expect(completed).toBe(BUYERS * 4);
    await eventually(
      async () =>
        expect(
          (
            await tables.query('select available, reserved, sold from inventory.stock where product_id = $1', [
              productId,
            ])
          ).rows,
        ).toEqual([{ available: 1_000 - completed, reserved: 0, sold: completed }]),
      'stock that adds up',
      ENDED_WITHIN_MS,
    );

    expect(
      await count("shipping.shipments where order_id = any($1) and state in ('dispatched', 'delivered')", [orders]),
    ).toBe(completed);
    expect(
      await count(
        "shipping.shipments join ordering.orders on id = order_id where orders.state <> 'completed' and shipments.state in ('dispatched', 'delivered')",
      ),
    ).toBe(0);
    // By the provider's own book: no order was charged twice, and none that came to nothing was charged.
    const approved = "from payments.sandbox_book where outcome = 'approved'";
    const booked = (operation: string): Promise<number> =>
      count(`(select line ->> 'orderId' ${approved} and line ->> 'operation' = '${operation}') booked`);
    expect(
      await count(
        `(select 1 ${approved} and line ->> 'operation' = 'capture' group by line ->> 'orderId' having count(*) > 1) twice`,
      ),
    ).toBe(0);
    expect(await booked('capture')).toBe(completed);
    expect(await booked('authorise')).toBe((await booked('capture')) + (await booked('void')));
    expect(
      (await tables.query('select coalesce(sum(amount_minor), 0)::int as sum from payments.ledger_entry')).rows,
    ).toEqual([{ sum: 0 }]);
    for (const schema of ['inventory', 'ordering', 'payments', 'shipping']) {
      await eventually(
        async () => expect(await count(`"${schema}".fledge_outbox where sent_at is null`)).toBe(0),
        `an empty outbox of ${schema}`,
        ENDED_WITHIN_MS,
      );
      expect(
        (await tables.query(`select consumer, name, reason, attempts, history from "${schema}".fledge_dead_letter`))
          .rows,
      ).toEqual([]);
    }
  },
  300_000,
);

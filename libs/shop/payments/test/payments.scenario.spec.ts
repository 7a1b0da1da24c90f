import { randomUUID } from 'node:crypto';
import { eventually, testModule, type TestedModule } from '@fledge/kit/testing';
import { DataSource } from 'typeorm';
import {
  AuthorisePayment,
  CancelPayment,
  CapturePayment,
  GetPayment,
  PaymentNotFound,
  type TestPaymentMethod,
} from '../contract/index.js';
import { PaymentsModule } from '../src/index.js';
import type { Line } from '../src/sandbox/book.js';
import { PostgresBook } from '../src/sandbox/postgres-book.js';
import { Sweep } from '../src/settle-payment/sweep.js';
import { DEVELOPMENT_WEBHOOK_SECRET } from '../src/settings.js';
import { sign, SIGNATURE_HEADER } from '../src/webhooks/signature.js';

const staff = { subject: randomUUID(), roles: ['staff'] };
// The sweep is late on purpose: what it need not wait for must not.
const SETTINGS = { providerTimeoutMs: 300, askedMaxMs: 60_000, sandboxSlowMs: 100, sandboxLateMs: 100 };

let shop: TestedModule;
beforeAll(async () => {
  shop = await testModule(PaymentsModule, { identity: staff, settings: SETTINGS, logger: false });
});
afterAll(() => shop?.close());

const AMOUNT = 1_999;
const rows = <T>(sql: string, orderId: string): Promise<T[]> => shop.get(DataSource).query<T[]>(sql, [orderId]);
const authorise = (
  orderId: string,
  paymentMethod: TestPaymentMethod | 'pm_stolen' = 'pm_card_approved',
  userId: string = randomUUID(),
) => shop.execute(new AuthorisePayment({ orderId, userId, amountMinor: AMOUNT, currency: 'EUR', paymentMethod }));
const capture = (orderId: string) => shop.execute(new CapturePayment({ orderId }));
const cancel = (orderId: string) => shop.execute(new CancelPayment({ orderId, reason: 'changed my mind' }));
const stateOf = async (orderId: string): Promise<string> => (await shop.execute(new GetPayment({ orderId }))).state;
const reaches = (orderId: string, state: string) =>
  eventually(async () => expect(await stateOf(orderId)).toBe(state), `the payment is ${state}`, 10_000);

/** What was told of an order, in order. */
async function toldOf(orderId: string): Promise<object[]> {
  const stored = await rows<{ name: string; payload: string }>(
    "SELECT name, payload FROM fledge_outbox WHERE kind = 'event' AND key = $1 ORDER BY seq",
    orderId,
  );
  return stored.map(({ name, payload }) => {
    const { orderId: _, ...fields } = JSON.parse(payload) as Record<string, unknown>;
    return { [name.replace(/^payments\.|\.v1$/g, '')]: fields };
  });
}

/** What the accounts hold of an order; those that hold nothing are left out. */
async function balancesOf(orderId: string): Promise<Record<string, number>> {
  const found = await rows<{ account: string; amount: string }>(
    'SELECT account, sum(amount_minor) AS amount FROM ledger_entry WHERE order_id = $1 GROUP BY account HAVING sum(amount_minor) <> 0',
    orderId,
  );
  return Object.fromEntries(found.map(({ account, amount }) => [account, Number(amount)]));
}

/** What the provider has booked for an order. */
async function bookedFor(orderId: string): Promise<string[]> {
  const lines = (
    await rows<{ line: Line }>("SELECT line FROM sandbox_book WHERE line ->> 'orderId' = $1 ORDER BY seq", orderId)
  ).map(({ line }) => line);
  return lines
    .filter(({ outcome }) => outcome === 'approved' || outcome === 'declined')
    .map(({ operation, outcome }) => `${operation} ${outcome}`);
}

const AUTHORISED = { 'payment-authorised': { amountMinor: AMOUNT, currency: 'EUR' } };
const CAPTURED = { 'payment-captured': { amountMinor: AMOUNT, currency: 'EUR' } };
const cancelled = (outcome: string) => ({ 'payment-cancelled': { outcome } });

describe('a payment', () => {
  it('is authorised and captured, once, however often and however fast it is asked for', async () => {
    const orderId = randomUUID();
    await Promise.all([1, 2, 3].map(() => authorise(orderId)));
    expect(await balancesOf(orderId)).toEqual({ authorised: AMOUNT, commitments: -AMOUNT });
    await Promise.all([1, 2, 3].map(() => capture(orderId)));
    await authorise(orderId);
    expect(await shop.execute(new GetPayment({ orderId }))).toMatchObject({
      state: 'captured',
      amountMinor: AMOUNT,
      capturedMinor: AMOUNT,
      refundedMinor: 0,
      history: [{ state: 'authorising' }, { state: 'authorised' }, { state: 'capturing' }, { state: 'captured' }],
    });
    expect(await balancesOf(orderId)).toEqual({ provider: AMOUNT, sales: -AMOUNT });
    expect(await bookedFor(orderId)).toEqual(['authorise approved', 'capture approved']);
    expect(await toldOf(orderId)).toEqual([AUTHORISED, CAPTURED]);
  });

  it.each([
    ['pm_card_declined', 'card_declined'],
    ['pm_card_insufficient_funds', 'insufficient_funds'],
    ['pm_stolen', 'unknown_payment_method'],
  ] as const)('is declined: %s', async (card, reason) => {
    const orderId = randomUUID();
    await authorise(orderId, card);
    expect(await shop.execute(new GetPayment({ orderId }))).toMatchObject({
      state: 'declined',
      capturedMinor: 0,
      history: [{ state: 'authorising' }, { state: 'declined', reason }],
    });
    expect(await balancesOf(orderId)).toEqual({});
    expect(await toldOf(orderId)).toEqual([{ 'payment-declined': { reason } }]);
  });

  it.each([
    'pm_card_slow',
    'pm_card_charged_timeout',
    'pm_card_error_then_success',
    'pm_card_late_webhook',
    'pm_card_duplicate_webhook',
  ] as const)('ends well, once, at each step: %s', async (card) => {
    const orderId = randomUUID();
    await authorise(orderId, card);
    await reaches(orderId, 'authorised');
    await capture(orderId);
    await reaches(orderId, 'captured');
    await cancel(orderId);
    await reaches(orderId, 'refunded');
    expect(await bookedFor(orderId)).toEqual(['authorise approved', 'capture approved', 'refund approved']);
    expect(await toldOf(orderId)).toEqual([AUTHORISED, CAPTURED, cancelled('refunded')]);
    expect(await balancesOf(orderId)).toEqual({ sales: -AMOUNT, refunds: AMOUNT });
  });

  it('of nothing is free', async () => {
    const orderId = randomUUID();
    await shop.execute(
      new AuthorisePayment({
        orderId,
        userId: randomUUID(),
        amountMinor: 0,
        currency: 'EUR',
        paymentMethod: 'pm_card_approved',
      }),
    );
    await capture(orderId);
    expect(await stateOf(orderId)).toBe('captured');
    expect(await balancesOf(orderId)).toEqual({});
  });
});

describe('cancelling', () => {
  it('before it begins forbids it', async () => {
    const orderId = randomUUID();
    await cancel(orderId);
    await authorise(orderId);
    await cancel(orderId);
    expect(await shop.execute(new GetPayment({ orderId }))).toMatchObject({ state: 'forbidden', capturedMinor: 0 });
    expect(await bookedFor(orderId)).toEqual([]);
    expect(await toldOf(orderId)).toEqual([
      cancelled('nothing'),
      { 'payment-declined': { reason: 'changed my mind' } },
    ]);
  });

  it('voids what is authorised, and no capture comes after it', async () => {
    const orderId = randomUUID();
    await authorise(orderId);
    await Promise.all([1, 2, 3].map(() => cancel(orderId)));
    await capture(orderId);
    expect(await stateOf(orderId)).toBe('voided');
    expect(await balancesOf(orderId)).toEqual({});
    expect(await bookedFor(orderId)).toEqual(['authorise approved', 'void approved']);
    expect(await toldOf(orderId)).toEqual([
      AUTHORISED,
      cancelled('voided'),
      { 'capture-failed': { reason: 'it was cancelled: changed my mind', attempt: 1 } },
    ]);
  });

  it.each(['pm_card_slow', 'pm_card_charged_timeout', 'pm_card_late_webhook', 'pm_card_declined'] as const)(
    'wins a race with authorising, whichever is first: %s',
    async (card) => {
      await Promise.all(
        Array.from({ length: 4 }, async (_, i) => {
          const orderId = randomUUID();
          await Promise.all(
            i % 2 ? [authorise(orderId, card), cancel(orderId)] : [cancel(orderId), authorise(orderId, card)],
          );
          await eventually(async () => {
            await shop.get(Sweep).round();
            expect(['forbidden', 'voided', 'declined']).toContain(await stateOf(orderId));
            expect((await toldOf(orderId)).filter((event) => 'payment-cancelled' in event)).toHaveLength(1);
          }, 'the payment is undone, and told so once');
          const booked = await bookedFor(orderId);
          expect(booked.filter((step) => step === 'authorise approved')).toHaveLength(
            booked.filter((step) => step === 'void approved').length,
          );
          expect(await balancesOf(orderId)).toEqual({});
        }),
      );
    },
  );

  it('wins a race with capturing: all that was taken is given back', async () => {
    await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const orderId = randomUUID();
        await authorise(orderId, 'pm_card_slow');
        await Promise.all(i % 2 ? [capture(orderId), cancel(orderId)] : [cancel(orderId), capture(orderId)]);
        await eventually(async () => expect(['voided', 'refunded']).toContain(await stateOf(orderId)), 'it is undone');
        const { capturedMinor, refundedMinor } = await shop.execute(new GetPayment({ orderId }));
        expect(refundedMinor).toBe(capturedMinor);
      }),
    );
  });
});

describe('the ledger', () => {
  const post = async (entries: readonly (readonly [account: string, amountMinor: number, currency: string])[]) => {
    const [source, id, orderId] = [shop.get(DataSource), randomUUID(), randomUUID()];
    await cancel(orderId);
    await source.transaction(async () => {
      await source.query("INSERT INTO ledger_transaction VALUES ($1, $2, 'capture', now())", [id, orderId]);
      for (const entry of entries)
        await source.query(
          'INSERT INTO ledger_entry (transaction_id, order_id, account, amount_minor, currency) VALUES ($1, $2, $3, $4, $5)',
          [id, orderId, ...entry],
        );
    });
  };

  it('takes nothing that does not sum to zero in each currency', async () => {
    await post([
      ['sales', -5, 'EUR'],
      ['provider', 5, 'EUR'],
    ]);
    await expect(
      post([
        ['sales', -5, 'EUR'],
        ['provider', 4, 'EUR'],
      ]),
    ).rejects.toThrow('does not sum to zero');
    await expect(
      post([
        ['sales', -5, 'EUR'],
        ['provider', 5, 'USD'],
      ]),
    ).rejects.toThrow('does not sum to zero');
    await expect(post([['sales', -5, 'EUR']])).rejects.toThrow('does not sum to zero');
  });

  it.each([
    "UPDATE ledger_entry SET amount_minor = 1 WHERE account = 'sales'",
    'DELETE FROM ledger_entry',
    'DELETE FROM ledger_transaction',
    'TRUNCATE ledger_entry',
  ])('is only ever added to: %s', async (sql) => {
    await expect(shop.get(DataSource).query(sql)).rejects.toThrow('append-only');
  });

  it('sums to zero', async () => {
    const [row] = await shop
      .get(DataSource)
      .query<{ sum: string; entries: string }[]>(
        'SELECT coalesce(sum(amount_minor), 0) AS sum, count(*) AS entries FROM ledger_entry',
      );
    expect(Number(row?.sum)).toBe(0);
    expect(Number(row?.entries)).toBeGreaterThan(10);
  });
});

describe('webhooks', () => {
  const send = (body: string, header: string | undefined) =>
    shop.as(undefined).request('POST', '/payments/webhooks', body, {
      headers: header === undefined ? {} : { [SIGNATURE_HEADER]: header },
    });
  const signed = (body: object) =>
    send(JSON.stringify(body), sign(JSON.stringify(body), DEVELOPMENT_WEBHOOK_SECRET, Date.now()));
  const event = (orderId: string, over: object = {}) => ({
    id: `evt_${randomUUID()}`,
    type: 'operation.settled',
    key: `${orderId}:authorise`,
    operation: 'authorise',
    orderId,
    reference: 'auth_x',
    status: 'approved',
    ...over,
  });

  it('settle a payment once, also twice, also late', async () => {
    const orderId = randomUUID();
    await authorise(orderId, 'pm_card_late_webhook');
    const told = event(orderId);
    expect(
      (await Promise.all([signed(told), signed(told), signed(event(orderId))])).map(({ status }) => status),
    ).toEqual([204, 204, 204]);
    expect(await stateOf(orderId)).toBe('authorised');
    expect(await signed(event(orderId, { status: 'declined', reason: 'late' }))).toMatchObject({ status: 204 });
    expect(await stateOf(orderId)).toBe('authorised');
    expect(await toldOf(orderId)).toEqual([AUTHORISED]);
  });

  it('change nothing about what was not asked', async () => {
    const orderId = randomUUID();
    await authorise(orderId);
    for (const over of [
      { key: `${orderId}:capture`, operation: 'capture' },
      { key: 'another', operation: 'capture' },
    ])
      expect((await signed(event(orderId, over))).status).toBe(204);
    expect((await signed(event(randomUUID()))).status).toBe(204);
    expect(await stateOf(orderId)).toBe('authorised');
    const another = randomUUID();
    await authorise(another, 'pm_card_late_webhook');
    expect((await signed(event(another, { key: 'by hand', status: 'declined' }))).status).toBe(204);
    expect((await signed(event(another, { operation: 'capture', status: 'declined' }))).status).toBe(204);
    await reaches(another, 'authorised');
  });

  it('may say that money is not given back, and are taken', async () => {
    const orderId = randomUUID();
    await authorise(orderId, 'pm_card_late_webhook');
    await reaches(orderId, 'authorised');
    await cancel(orderId);
    expect(
      (
        await signed(
          event(orderId, { key: `${orderId}:void`, operation: 'void', status: 'declined', reason: 'closed' }),
        )
      ).status,
    ).toBe(204);
    expect(await stateOf(orderId)).toBe('void-failed');
    expect(await toldOf(orderId)).toEqual([AUTHORISED, { 'cancel-failed': { reason: 'closed', attempt: 1 } }]);
  });

  it('may say that there is no reason', async () => {
    const orderId = randomUUID();
    await authorise(orderId, 'pm_card_late_webhook');
    expect(await signed(event(orderId, { status: 'declined', reason: null }))).toMatchObject({ status: 204 });
    expect(await stateOf(orderId)).toBe('declined');
  });

  it('have what follows asked for without the provider waiting for it', async () => {
    const orderId = randomUUID();
    await authorise(orderId, 'pm_card_late_webhook');
    await cancel(orderId);
    await eventually(async () => {
      await shop.get(Sweep).round();
      return (await stateOf(orderId)) === 'voided';
    }, 'the payment is voided');
    expect(await toldOf(orderId)).toEqual([cancelled('voided')]);
  });

  it.each<[string, (body: string) => string | undefined]>([
    ['without a signature', () => undefined],
    ['signed by somebody else', (body) => sign(body, 'another secret', Date.now())],
    ['signed for another body', () => sign('{"id":1}', DEVELOPMENT_WEBHOOK_SECRET, Date.now())],
    ['signed long ago', (body) => sign(body, DEVELOPMENT_WEBHOOK_SECRET, Date.now() - 301_000)],
    ['with a signature that is none', () => 'v1=\u00e4'],
  ])('are refused with 401 %s', async (_, header) => {
    const orderId = randomUUID();
    await authorise(orderId, 'pm_card_late_webhook');
    const body = JSON.stringify(event(orderId));
    expect(await send(body, header(body))).toMatchObject({
      status: 401,
      body: { code: 'payments.webhook-refused.v1' },
    });
    // also when the body is no event: nothing of it is looked at
    expect(await send('{}', header(body))).toMatchObject({ status: 401 });
    expect(await stateOf(orderId)).toBe('authorising');
  });

  it('are refused with 400 when they are signed and say nothing', async () => {
    expect(await signed({ id: 'evt' })).toMatchObject({ status: 400, body: { code: 'fledge.invalid-request' } });
  });
});

describe('who sees payments', () => {
  it('a buyer their own, staff all', async () => {
    const [orderId, userId] = [randomUUID(), randomUUID()];
    await authorise(orderId, 'pm_card_approved', userId);
    const as = (subject: string, ...roles: string[]) =>
      shop.as({ subject, roles }).request('GET', `/payments/${orderId}`);
    expect(await as(userId, 'buyer')).toMatchObject({
      status: 200,
      body: { orderId, state: 'authorised', amountMinor: AMOUNT, currency: 'EUR' },
    });
    expect(await as(randomUUID(), 'staff')).toMatchObject({ status: 200 });
    expect(await as(randomUUID(), 'buyer')).toMatchObject({
      status: 404,
      body: { code: 'payments.payment-not-found.v1' },
    });
    expect(await shop.as(undefined).request('GET', `/payments/${orderId}`)).toMatchObject({ status: 401 });
    await expect(shop.execute(new GetPayment({ orderId: randomUUID() }))).rejects.toBeInstanceOf(PaymentNotFound);
  });

  it('staff page by page, the newest first', async () => {
    const orderIds = [randomUUID(), randomUUID(), randomUUID()];
    for (const orderId of orderIds) await cancel(orderId);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null && seen.length < 1_000;) {
      const { status, body } = await shop.request('GET', `/payments?limit=7${cursor && `&cursor=${cursor}`}`);
      expect(status).toBe(200);
      const page = body as { items: { orderId: string }[]; nextCursor: string | null };
      seen.push(...page.items.map((item) => item.orderId));
      cursor = page.nextCursor;
    }
    expect(seen.slice(0, 3)).toEqual([...orderIds].reverse());
    expect(new Set(seen).size).toBe(seen.length);
    expect((await shop.as({ subject: randomUUID(), roles: ['buyer'] }).request('GET', '/payments')).status).toBe(403);
    expect((await shop.request('GET', '/payments?cursor=x')).status).toBe(400);
  });
});

describe('settings', () => {
  it.each([
    [{ providerTimeOutMs: 5 }, "Did you mean 'providerTimeoutMs'?"],
    [{ providerTimeoutMs: 5 }, 'not be less than 100'],
    [{ providerUrl: 'ftp://x' }, 'http'],
    [{ webhookSecret: 'short' }, '16 characters or more'],
  ])('that are wrong stop the start: %j', async (settings, cure) => {
    await expect(testModule(PaymentsModule, { settings, logger: false })).rejects.toMatchObject({
      code: 'fledge.startup.setting',
      message: expect.stringContaining(cure) as string,
    });
  });

  it('know no default secret in production', async () => {
    const before = process.env.NODE_ENV;
    process.env.NODE_ENV = 'production';
    try {
      await expect(testModule(PaymentsModule, { logger: false })).rejects.toMatchObject({
        problems: [{ key: 'webhookSecret' }],
      });
    } finally {
      process.env.NODE_ENV = before;
    }
  });
});

it("keeps the provider's book beside what it believes itself", async () => {
  expect((await new PostgresBook(shop.get(DataSource)).read(0, 5)).length).toBe(5);
});

import { randomUUID } from 'node:crypto';
import { Processes, type Run } from '@fledge/kit';
import { eventually, fake, testModule, type TestCaller, type TestedModule } from '@fledge/kit/testing';
import { CatalogContract, GetProduct, GetProducts, type ProductView } from '@shop/catalog/contract';
import {
  InventoryContract,
  ReleaseStock,
  ReservationExpired,
  ReserveStock,
  SaleRefused,
  SellStock,
  StockReleased,
  StockSold,
} from '@shop/inventory/contract';
import {
  AuthorisePayment,
  CancelFailed,
  CancelPayment,
  CaptureFailed,
  CapturePayment,
  PaymentAuthorised,
  PaymentCancelled,
  PaymentCaptured,
  PaymentDeclined,
  RetryPayment,
} from '@shop/payments/contract';
import {
  CancellationTooLate,
  CancelShipment,
  CreateShipment,
  ShipmentCancelled,
  ShipmentCreated,
  ShipmentDispatched,
} from '@shop/shipping/contract';
import {
  CancelRequested,
  OrderCancelled,
  OrderCompleted,
  OrderConfirmed,
  OrderRefunded,
  OrderShipped,
  type OrderView,
  PlaceOrder,
} from '../contract/index.js';
import { CheckoutState } from '../src/checkout/checkout-state.js';
import { Checkout } from '../src/checkout/checkout.process.js';
import { OrderingModule } from '../src/index.js';
import { RefundState } from '../src/refund-order/refund-state.js';
import { Refund } from '../src/refund-order/refund.process.js';
import { OrderRepository } from '../src/storage/order.repository.js';

const TOTAL = { amountMinor: 3_000, currency: 'EUR' };
const productOf = (id: string): ProductView => ({
  id,
  sku: 'T-1',
  name: 'Thing',
  description: '',
  priceMinor: 1_500,
  currency: 'EUR',
  categoryId: 'things',
  active: true,
});
const fakes = [
  fake(CatalogContract)
    .on(GetProduct, ({ productId }) => productOf(productId))
    .on(GetProducts, ({ productIds }) => productIds.map(productOf)),
  fake(InventoryContract)
    .on(ReserveStock, ({ orderId, lines }) => ({ orderId, status: 'held' as const, expiresAt: new Date(), lines }))
    .on(ReleaseStock, () => undefined),
];

let shop: TestedModule;
beforeAll(async () => {
  shop = await testModule(OrderingModule, { fakes, logger: false });
});
afterAll(() => shop?.close());

interface Placed {
  readonly http: TestCaller;
  readonly order: OrderView;
  readonly orderId: string;
}

async function placed(paymentMethod: string | undefined = 'pm_card_approved'): Promise<Placed> {
  const userId = randomUUID();
  const http = shop.as({ subject: userId, roles: ['buyer'] });
  expect((await http.request('POST', '/cart/items', { productId: randomUUID(), quantity: 2 })).status).toBe(201);
  const order = await http.execute(new PlaceOrder({ userId, ...(paymentMethod !== '' && { paymentMethod }) }));
  return { http, order, orderId: order.id };
}

/** Waits until the checkout has sent a neighbour a command for an order, and answers it. */
async function sent<C extends { readonly orderId: string }>(
  command: new (fields: never) => C,
  orderId: string,
): Promise<C[]> {
  let found: C[] = [];
  await eventually(async () => {
    found = (await shop.messages.sent<C>(command)).filter((one) => one.orderId === orderId);
    return found.length > 0;
  }, `${command.name} for the order`);
  return found;
}

async function told<E extends { readonly orderId: string }>(
  event: new (fields: never) => E,
  orderId: string,
): Promise<E[]> {
  return (await shop.messages.published<E>(event)).filter((one) => one.orderId === orderId);
}

const historyOf = async ({ http, orderId }: Placed): Promise<string[]> =>
  ((await http.request('GET', `/orders/${orderId}`)).body as OrderView).history.map(({ what }) => what);
const stateOf = async (orderId: string): Promise<string | undefined> =>
  (await shop.get(OrderRepository).find(orderId))?.state;
const state = (orderId: string, wanted: string): Promise<void> =>
  eventually(async () => expect(await stateOf(orderId)).toBe(wanted), `the order is ${wanted}`);
/** Waits until a run has failed, with this as the last of its history. */
const fails = (process: string, orderId: string, why: string): Promise<void> =>
  eventually(async () => {
    const run = await shop.get(Processes).show(process, orderId);
    expect(run).toMatchObject({ status: 'failed' });
    expect(run?.history.at(-1)?.detail).toContain(why);
  }, `the ${process} fails: ${why}`);
const cancel = ({ http, orderId }: Placed) => http.request('POST', `/orders/${orderId}/cancel`);

/** The steps of a checkout: what a neighbour tells, once it was asked, and what shows that it was taken in. */
const STEPS = {
  authorise: async (orderId: string): Promise<void> => {
    await sent(AuthorisePayment, orderId);
    await shop.messages.deliver(new PaymentAuthorised({ orderId, ...TOTAL }));
    await sent(SellStock, orderId);
  },
  sell: async (orderId: string): Promise<void> => {
    await shop.messages.deliver(new StockSold({ orderId }));
    await state(orderId, 'confirmed');
    await sent(CreateShipment, orderId);
  },
  pack: async (orderId: string): Promise<void> => {
    await shop.messages.deliver(new ShipmentCreated({ orderId, shipmentId: randomUUID() }));
    await eventually(
      async () => expect((await shop.get(OrderRepository).find(orderId))?.history.at(-1)?.what).toBe('it was packed'),
      'it is packed',
    );
  },
  ship: async (orderId: string): Promise<void> => {
    await shop.messages.deliver(new ShipmentDispatched({ orderId, shipmentId: randomUUID(), trackingCode: 'FL1' }));
    await state(orderId, 'shipped');
    await sent(CapturePayment, orderId);
  },
  capture: async (orderId: string): Promise<void> => {
    await shop.messages.deliver(new PaymentCaptured({ orderId, ...TOTAL }));
    await state(orderId, 'completed');
  },
} as const;

/** Money and stock went back, and the order ended. */
async function ends(orderId: string, reason: string): Promise<void> {
  expect(await sent(CancelPayment, orderId)).toHaveLength(1);
  expect(await sent(ReleaseStock, orderId)).toHaveLength(1);
  await state(orderId, 'cancelling');
  await shop.messages.deliver(new StockReleased({ orderId }));
  await eventually(
    async () =>
      expect((await shop.get(OrderRepository).find(orderId))?.history.at(-1)?.what).toBe('the stock went back'),
    'the stock is back',
  );
  await shop.messages.deliver(new PaymentCancelled({ orderId, outcome: 'nothing' }));
  await state(orderId, 'cancelled');
  expect((await told(OrderCancelled, orderId)).map((event) => event.reason)).toEqual([reason]);
}

it('sets the money aside, sells the stock, sends it, takes the money', async () => {
  const one = await placed();
  const { http, order, orderId } = one;
  expect(await sent(AuthorisePayment, orderId)).toMatchObject([
    { userId: order.userId, ...TOTAL, paymentMethod: 'pm_card_approved' },
  ]);
  for (const step of Object.values(STEPS)) await step(orderId);
  expect(await sent(CreateShipment, orderId)).toMatchObject([
    { userId: order.userId, lines: order.lines.map(({ productId, quantity }) => ({ productId, quantity })) },
  ]);
  expect(await told(OrderConfirmed, orderId)).toHaveLength(1);
  expect(await told(OrderShipped, orderId)).toMatchObject([{ userId: order.userId, trackingCode: 'FL1' }]);
  expect(await told(OrderCompleted, orderId)).toHaveLength(1);
  const { history } = (await http.request('GET', `/orders/${orderId}`)).body as OrderView;
  expect(history.map(({ what }) => what)).toEqual([
    'placing',
    'placed',
    'the payment was authorised',
    'the stock was sold',
    'confirmed',
    'it was packed',
    'it was sent',
    'shipped',
    'the money was taken',
    'completed',
  ]);
  expect(history.map((step) => step.state)).toEqual([
    'placing',
    'placed',
    undefined,
    undefined,
    'confirmed',
    undefined,
    undefined,
    'shipped',
    undefined,
    'completed',
  ]);
  const times = history.map(({ at }) => Date.parse(String(at)));
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(await cancel(one)).toMatchObject({ status: 409, body: { code: 'ordering.order-not-cancellable.v1' } });
});

describe('takes all back', () => {
  it('when it is cancelled under its id in capitals', async () => {
    const one = await placed();
    const { orderId } = one;
    await sent(AuthorisePayment, orderId);
    expect(await cancel({ ...one, orderId: orderId.toUpperCase() })).toMatchObject({ status: 200 });
    await ends(orderId, 'cancelled by the buyer');
  });

  it('when the payment is declined', async () => {
    const one = await placed();
    const { orderId } = one;
    await sent(AuthorisePayment, orderId);
    await shop.messages.deliver(new PaymentDeclined({ orderId, reason: 'no funds' }));
    await ends(orderId, 'the payment was declined: no funds');
    expect(await historyOf(one)).toEqual([
      'placing',
      'placed',
      'cancelling',
      'the stock went back',
      'no money was set aside',
      'cancelled',
    ]);
  });

  it('when the stock cannot be sold', async () => {
    const { orderId } = await placed();
    await STEPS.authorise(orderId);
    await shop.messages.deliver(new SaleRefused({ orderId, reason: 'released' }));
    await ends(orderId, 'its stock could not be sold: released');
  });

  it('when its reservation expires, whatever is told of the payment and the sale afterwards', async () => {
    const { orderId } = await placed();
    await sent(AuthorisePayment, orderId);
    await shop.messages.deliver(new ReservationExpired({ orderId }));
    await sent(CancelPayment, orderId);
    await shop.messages.deliver(new PaymentAuthorised({ orderId, ...TOTAL }));
    await shop.messages.deliver(new SaleRefused({ orderId, reason: 'released' }));
    await ends(orderId, 'reservation expired');
    expect((await shop.messages.sent(SellStock)).filter((one) => one.orderId === orderId)).toEqual([]);
  });

  it('but not when its stock is sold already', async () => {
    const { orderId } = await placed();
    await STEPS.authorise(orderId);
    await STEPS.sell(orderId);
    await shop.messages.deliver(new ReservationExpired({ orderId }));
    await STEPS.ship(orderId);
    await STEPS.capture(orderId);
    expect(await told(OrderCancelled, orderId)).toEqual([]);
  });
});

describe('a buyer cancels', () => {
  const commands = [AuthorisePayment, SellStock, CreateShipment, CapturePayment] as const;
  /** What the checkout has asked for of an order. */
  const asked = async (orderId: string): Promise<string[]> => {
    const found = await Promise.all(
      commands.map(async (command) =>
        (await shop.messages.sent<{ readonly orderId: string }>(command))
          .filter((one) => one.orderId === orderId)
          .map(() => command.name),
      ),
    );
    return found.flat();
  };
  const dispatched = (orderId: string) =>
    new ShipmentDispatched({ orderId, shipmentId: randomUUID(), trackingCode: 'FL1' });
  /** By the number of steps that were gone: what happens there, and what is told next. */
  const moments = [
    ['the payment is authorised', (orderId: string) => new PaymentAuthorised({ orderId, ...TOTAL })],
    ['the stock is sold', (orderId: string) => new StockSold({ orderId })],
    ['the shipment is packed', (orderId: string) => new ShipmentCreated({ orderId, shipmentId: randomUUID() })],
    ['the shipment is sent', dispatched],
    ['the money is taken', (orderId: string) => new PaymentCaptured({ orderId, ...TOTAL })],
  ] as const;
  const after = async (steps: number): Promise<Placed> => {
    const one = await placed();
    await sent(AuthorisePayment, one.orderId);
    for (const step of Object.values(STEPS).slice(0, steps)) await step(one.orderId);
    return one;
  };
  /** Shipping tells that the shipment is stopped. */
  const stopped = async (orderId: string): Promise<void> => {
    expect(await sent(CancelShipment, orderId)).toHaveLength(1);
    expect((await shop.messages.sent(CancelPayment)).filter((one) => one.orderId === orderId)).toEqual([]);
    await shop.messages.deliver(new ShipmentCancelled({ orderId }));
  };

  it.each(moments.slice(0, 3).map(([name, next], steps) => [name, steps, next] as const))(
    'before %s: all goes back, and what is told late changes nothing',
    async (_, steps, next) => {
      const one = await after(steps);
      const { orderId } = one;
      const before = await asked(orderId);
      expect(await cancel(one)).toMatchObject({ status: 200, body: { state: 'cancelling' } });
      if (steps === 2) await sent(CancelShipment, orderId);
      else await sent(CancelPayment, orderId);
      await shop.messages.deliver(next(orderId));
      if (steps === 2) await stopped(orderId);
      await ends(orderId, 'cancelled by the buyer');
      expect(await asked(orderId)).toEqual(before);
      expect((await historyOf(one)).slice(-1)).toEqual(['cancelled']);
      expect([await told(OrderShipped, orderId), await told(OrderCompleted, orderId)]).toEqual([[], []]);
      expect(await cancel(one)).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    },
  );

  it('while it is packed: first the shipment is stopped, then all goes back', async () => {
    const one = await after(3);
    expect(await cancel(one)).toMatchObject({ status: 200, body: { state: 'cancelling' } });
    await stopped(one.orderId);
    await ends(one.orderId, 'cancelled by the buyer');
    expect((await historyOf(one)).slice(-6)).toEqual([
      'it was packed',
      'cancelling',
      'nothing is sent',
      'the stock went back',
      'no money was set aside',
      'cancelled',
    ]);
  });

  it.each([
    ['before', true],
    ['after', false],
  ])('too late, which is known %s the cancellation: it is sent, and paid', async (_, isFirst) => {
    const one = await after(3);
    const { orderId } = one;
    // Either way shipping has dispatched it; what differs is of which the checkout hears first.
    if (isFirst) {
      await STEPS.ship(orderId);
      await shop.messages.deliver(new CancelRequested({ orderId, reason: 'cancelled by the buyer' }));
      expect((await cancel(one)).status).toBe(409);
    } else {
      expect((await cancel(one)).status).toBe(200);
      await sent(CancelShipment, orderId);
      await shop.messages.deliver(dispatched(orderId));
      await shop.messages.deliver(new CancellationTooLate({ orderId }));
    }
    await sent(CapturePayment, orderId);
    await eventually(async () => expect(await historyOf(one)).toContain('it was too late to cancel'), 'it is too late');
    await STEPS.capture(orderId);
    expect(await historyOf(one)).toEqual(expect.arrayContaining(['it was sent', 'shipped', 'completed']));
    expect([(await told(OrderShipped, orderId)).length, (await told(OrderCancelled, orderId)).length]).toEqual([1, 0]);
    for (const command of [CancelPayment, ReleaseStock])
      expect(
        (await shop.messages.sent<{ readonly orderId: string }>(command)).filter(
          (sentOne) => sentOne.orderId === orderId,
        ),
      ).toEqual([]);
  });

  it.each(moments.map(([name, next], steps) => [name, steps, next] as const))(
    'at the moment at which %s: one of both counts',
    async (_, steps, next) => {
      for (let i = 0; i < 3; i++) {
        const one = await after(steps);
        const { orderId } = one;
        const answers = await Promise.all([cancel(one), cancel(one), shop.messages.deliver(next(orderId))]);
        const isAccepted = answers.some((answer) => answer?.status === 200);
        if (steps >= 3) {
          // It is sent: the cancellation is refused, or turns out to be too late.
          await sent(CapturePayment, orderId);
          await STEPS.capture(orderId);
        } else {
          expect(isAccepted).toBe(true);
          await eventually(
            async () =>
              (await shop.messages.sent(CancelShipment)).some((command) => command.orderId === orderId) ||
              (await shop.messages.sent(CancelPayment)).some((command) => command.orderId === orderId),
            'something is taken back',
          );
          if ((await shop.messages.sent(CancelShipment)).some((command) => command.orderId === orderId))
            await stopped(orderId);
          await ends(orderId, 'cancelled by the buyer');
        }
        expect((await told(CancelRequested, orderId)).length).toBe(isAccepted ? 1 : 0);
        expect((await told(OrderCompleted, orderId)).length).toBe(steps >= 3 ? 1 : 0);
      }
    },
  );
});

it('leaves an order shipped whose money cannot be taken, and fails for somebody to see it', async () => {
  const one = await placed();
  const { orderId } = one;
  for (const step of [STEPS.authorise, STEPS.sell, STEPS.pack, STEPS.ship]) await step(orderId);
  await shop.messages.deliver(new CaptureFailed({ orderId, reason: 'no funds', attempt: 1 }));
  await fails('checkout', orderId, `order ${orderId} was sent, and its money could not be taken: no funds`);
  expect(await stateOf(orderId)).toBe('shipped');
  expect((await historyOf(one)).slice(-2)).toEqual(['shipped', 'the money could not be taken: no funds']);
  expect((await shop.messages.sent(ReleaseStock)).filter((command) => command.orderId === orderId)).toEqual([]);

  for (const tries of [1, 2]) {
    await shop.get(Processes).resume('checkout', orderId);
    await eventually(
      async () =>
        expect((await sent(RetryPayment, orderId)).map(({ attempt }) => attempt)).toEqual([1, 2].slice(0, tries)),
      'it is tried again',
    );
    if (tries === 2) break;
    await shop.messages.deliver(new CaptureFailed({ orderId, reason: 'still none', attempt: 2 }));
    await fails('checkout', orderId, 'still none');
  }
  await STEPS.capture(orderId);
});

it('goes on with an order whose money could not be given back, when somebody has it tried again', async () => {
  const one = await placed();
  const { orderId } = one;
  await STEPS.authorise(orderId);
  await cancel(one);
  await sent(CancelPayment, orderId);
  await shop.messages.deliver(new CancelFailed({ orderId, reason: 'account closed' }));
  await fails('checkout', orderId, `the money of order ${orderId} could not be given back: account closed`);
  expect((await historyOf(one)).at(-1)).toBe('the money could not be given back: account closed');
  expect(await stateOf(orderId)).toBe('cancelling');
  // what comes meanwhile is not lost
  await shop.messages.deliver(new StockReleased({ orderId }));
  await shop.get(Processes).resume('checkout', orderId);
  expect(await sent(RetryPayment, orderId)).toHaveLength(1);
  await shop.messages.deliver(new PaymentCancelled({ orderId, outcome: 'voided' }));
  await state(orderId, 'cancelled');
  expect((await historyOf(one)).slice(-3)).toEqual([
    'the stock went back',
    'the money that was set aside is free again',
    'cancelled',
  ]);
});

it.each([
  ['checkout', Checkout, CheckoutState],
  ['refund', Refund, RefundState],
] as const)('has nothing to complain of when the money came back after all: %s', async (_, Process, State) => {
  const { orderId } = await placed();
  const takenBack: string[] = [];
  const nothing = (): void => undefined;
  const run = {
    key: orderId,
    state: new State(),
    isResumed: false,
    send: nothing,
    setTimer: nothing,
    cancelTimer: (name: string) => takenBack.push(name),
    note: nothing,
    finish: nothing,
  };
  await shop
    .get<Checkout | Refund>(Process)
    .moneyBack(
      new PaymentCancelled({ orderId, outcome: 'refunded' }),
      run as unknown as Run<CheckoutState> & Run<RefundState>,
    );
  expect(takenBack).toEqual(['unreturned']);
});

describe('staff give the money of an order back', () => {
  const staff = { subject: randomUUID(), roles: ['staff'] };
  const refund = (orderId: string, body: unknown = {}) =>
    shop.as(staff).request('POST', `/orders/${orderId}/refund`, body);
  const completed = async (): Promise<Placed> => {
    const one = await placed();
    for (const step of Object.values(STEPS)) await step(one.orderId);
    return one;
  };
  const released = async (orderId: string): Promise<number> =>
    (await shop.messages.sent(ReleaseStock)).filter((command) => command.orderId === orderId).length;

  it('once, however often it is asked for, and keeps the stock sold', async () => {
    const one = await completed();
    const { orderId, order } = one;
    const answers = await Promise.all([1, 2, 3].map(() => refund(orderId.toUpperCase(), { reason: 'came broken' })));
    expect(answers).toMatchObject([1, 2, 3].map(() => ({ status: 200, body: { state: 'refunding' } })));
    expect(await sent(CancelPayment, orderId)).toMatchObject([{ reason: 'came broken' }]);
    await shop.messages.deliver(new PaymentCancelled({ orderId, outcome: 'refunded' }));
    await state(orderId, 'refunded');
    expect(await told(OrderRefunded, orderId)).toMatchObject([{ userId: order.userId, reason: 'came broken' }]);
    expect((await historyOf(one)).slice(-4)).toEqual([
      'completed',
      'refunding',
      'the money that was taken was given back',
      'refunded',
    ]);
    expect(await released(orderId)).toBe(0);
    expect(await refund(orderId, { restock: true })).toMatchObject({ status: 200, body: { state: 'refunded' } });
    expect(await sent(CancelPayment, orderId)).toHaveLength(1);
  });

  it('and when the provider refuses to, once more when somebody has it tried again', async () => {
    const { orderId } = await completed();
    await refund(orderId);
    await sent(CancelPayment, orderId);
    await shop.messages.deliver(new CancelFailed({ orderId, reason: 'account closed' }));
    await fails('refund', orderId, `the money of order ${orderId} could not be given back: account closed`);
    expect(await stateOf(orderId)).toBe('refunding');
    await shop.get(Processes).resume('refund', orderId);
    // one that tells no attempt is of before there were any
    expect((await sent(RetryPayment, orderId)).map(({ attempt }) => attempt)).toEqual([undefined]);
    await shop.messages.deliver(new PaymentCancelled({ orderId, outcome: 'refunded' }));
    await state(orderId, 'refunded');
  });

  it('and with it the stock, if it is asked for', async () => {
    const one = await completed();
    const { orderId } = one;
    await refund(orderId, { restock: true });
    expect(await sent(ReleaseStock, orderId)).toHaveLength(1);
    await shop.messages.deliver(new PaymentCancelled({ orderId, outcome: 'refunded' }));
    await eventually(
      async () => expect((await historyOf(one)).at(-1)).toBe('the money that was taken was given back'),
      'the money is back',
    );
    expect(await stateOf(orderId)).toBe('refunding');
    await shop.messages.deliver(new StockReleased({ orderId }));
    await state(orderId, 'refunded');
  });

  it('but not of one that is not completed, nor of none, and a buyer may not', async () => {
    const { http, orderId } = await placed();
    expect(await refund(orderId)).toMatchObject({ status: 409, body: { code: 'ordering.order-not-refundable.v1' } });
    expect(await refund(randomUUID())).toMatchObject({ status: 404, body: { code: 'ordering.order-not-found.v1' } });
    expect((await http.request('POST', `/orders/${orderId}/refund`, {})).status).toBe(403);
    expect(await refund(orderId, { restock: 'yes' })).toMatchObject({
      status: 400,
      body: { violations: [{ path: 'restock' }] },
    });
  });
});

it('cancels an order that nobody pays when its reservation expires', async () => {
  const { http, orderId } = await placed('');
  await shop.messages.deliver(new ReservationExpired({ orderId }));
  await state(orderId, 'cancelled');
  expect((await http.request('GET', `/orders/${orderId}`)).body).toMatchObject({
    history: [{}, {}, { state: 'cancelling', reason: 'reservation expired' }, { state: 'cancelled' }],
  });
});

describe('the body of an order', () => {
  const order = (body: unknown) =>
    shop.as({ subject: randomUUID(), roles: ['buyer'] }).request('POST', '/orders', body);

  it.each([
    ['what is no payment method', { paymentMethod: 'gold' }, 'paymentMethod'],
    ['a payment method that is no text', { paymentMethod: ['pm_card_approved'] }, 'paymentMethod'],
    ['an unknown field', { paymentMethod: 'pm_card_approved', gift: true }, 'gift'],
    ['an unknown field alone', { payment_method: 'pm_card_approved' }, 'payment_method'],
  ])('is refused: %s', async (_, body, path) => {
    expect(await order(body)).toMatchObject({
      status: 400,
      body: { code: 'fledge.invalid-request', violations: [{ path }] },
    });
  });

  it.each([
    ['a list', []],
    ['a list of orders', [{ paymentMethod: 'pm_card_approved' }]],
    ['a text', '"pm_card_approved"'],
    ['a number', 7],
    ['true', true],
    ['null', null],
  ])('is refused: %s', async (_, body) => {
    expect(await order(body)).toMatchObject({
      status: 400,
      body: {
        type: expect.stringMatching(/^urn:problem:fledge\./) as unknown,
        status: 400,
        title: expect.any(String) as unknown,
        detail: expect.any(String) as unknown,
      },
    });
  });

  it('may be left out', async () => {
    expect(await order(undefined)).toMatchObject({ status: 409, body: { code: 'ordering.empty-cart.v1' } });
    expect(await order({})).toMatchObject({ status: 409, body: { code: 'ordering.empty-cart.v1' } });
    expect(
      await shop.as({ subject: randomUUID(), roles: ['staff'] }).request('POST', `/orders/${randomUUID()}/refund`),
    ).toMatchObject({ status: 404 });
  });
});

describe('the setting paymentTimeoutMs', () => {
  it('takes all back when the payment is not authorised in time', async () => {
    const patient = shop;
    shop = await testModule(OrderingModule, { fakes, settings: { paymentTimeoutMs: 100 }, logger: false });
    try {
      const { orderId } = await placed();
      await sent(CancelPayment, orderId);
      // Too late: nothing more is done with it, and payments undoes it.
      await shop.messages.deliver(new PaymentAuthorised({ orderId, ...TOTAL }));
      await ends(orderId, 'the payment was not authorised in time');
      expect(await shop.messages.sent(SellStock)).toEqual([]);
    } finally {
      await shop.close();
      shop = patient;
    }
  });

  it.each([
    [{ paymentTimeoutMs: 99 }],
    [{ paymentTimeoutMs: 86_400_001 }],
    [{ paymentTimeoutMs: '1000' }],
    [{ paymentTimeout: 1_000 }],
  ])('or another does not let the module start: %j', async (settings) => {
    await expect(testModule(OrderingModule, { fakes, settings, logger: false })).rejects.toMatchObject({
      code: 'fledge.startup.setting',
    });
  });
});

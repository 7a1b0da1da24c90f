import { randomUUID } from 'node:crypto';
import { eventually, testModule, type TestedModule } from '@fledge/kit/testing';
import { DataSource } from 'typeorm';
import {
  CancelShipment,
  CreateShipment,
  GetShipment,
  ShipmentNotFound,
  type ShipmentState,
} from '../contract/index.js';
import { ShippingModule } from '../src/index.js';

const buyer = randomUUID();
const lines = [{ productId: randomUUID(), quantity: 2 }];

function start(settings: Record<string, number>): Promise<TestedModule> {
  return testModule(ShippingModule, { identity: { subject: randomUUID(), roles: ['staff'] }, settings, logger: false });
}

/** A module that dispatches only what it is told to. */
let patient: TestedModule;
/** A module that dispatches and delivers at once. */
let hasty: TestedModule;
beforeAll(async () => {
  patient = await start({ dispatchAfterMs: 3_600_000 });
  hasty = await start({ dispatchAfterMs: 0, deliverAfterMs: 0 });
});
afterAll(async () => {
  await patient?.close();
  await hasty?.close();
});

const create = (shop: TestedModule, orderId: string) =>
  shop.execute(new CreateShipment({ orderId, userId: buyer, lines }));
const cancel = (shop: TestedModule, orderId: string) => shop.execute(new CancelShipment({ orderId }));
const dispatch = (shop: TestedModule, orderId: string) => shop.request('POST', `/shipments/${orderId}/dispatch`);
const stateOf = async (shop: TestedModule, orderId: string): Promise<ShipmentState> =>
  (await shop.execute(new GetShipment({ orderId }))).state;

/** What was told of an order, in order. */
async function toldOf(shop: TestedModule, orderId: string): Promise<string[]> {
  const stored = await shop
    .get(DataSource)
    .query<{ name: string }[]>("SELECT name FROM fledge_outbox WHERE kind = 'event' AND key = $1 ORDER BY seq", [
      orderId,
    ]);
  return stored.map(({ name }) => name.replace(/^shipping\.|\.v1$/g, ''));
}

describe('a shipment', () => {
  it('is packed once, however often it is asked for, then dispatched and delivered by itself', async () => {
    const orderId = randomUUID();
    await Promise.all([1, 2, 3].map(() => create(hasty, orderId)));
    await eventually(
      async () => expect(await stateOf(hasty, orderId)).toBe('delivered'),
      'the shipment is delivered',
      10_000,
    );
    expect(await hasty.execute(new GetShipment({ orderId }))).toMatchObject({
      orderId,
      userId: buyer,
      lines,
      trackingCode: expect.stringMatching(/^FL\d{12}$/) as string,
    });
    expect(await toldOf(hasty, orderId)).toEqual(['shipment-created', 'shipment-dispatched', 'shipment-delivered']);
  });

  it('is kept here by a cancellation while it is packed, and told once', async () => {
    const orderId = randomUUID();
    await create(patient, orderId);
    await cancel(patient, orderId);
    await cancel(patient, orderId);
    expect(await stateOf(patient, orderId)).toBe('cancelled');
    expect(await toldOf(patient, orderId)).toEqual(['shipment-created', 'shipment-cancelled']);
    expect((await dispatch(patient, orderId)).status).toBe(409);
  });

  it('never begins when its cancellation came first', async () => {
    const orderId = randomUUID();
    await cancel(patient, orderId);
    await create(patient, orderId);
    expect(await stateOf(patient, orderId)).toBe('forbidden');
    expect(await toldOf(patient, orderId)).toEqual(['shipment-cancelled']);
    expect((await dispatch(patient, orderId)).status).toBe(404);
  });

  it('that is on its way is not cancelled, which is told', async () => {
    const orderId = randomUUID();
    await create(patient, orderId);
    expect((await dispatch(patient, orderId)).status).toBe(200);
    expect((await dispatch(patient, orderId)).status).toBe(200);
    await cancel(patient, orderId);
    expect(await stateOf(patient, orderId)).toBe('dispatched');
    expect(await toldOf(patient, orderId)).toEqual([
      'shipment-created',
      'shipment-dispatched',
      'cancellation-too-late',
    ]);
  });

  it('is either dispatched or cancelled when both are asked for at once', async () => {
    for (let i = 0; i < 20; i++) {
      const orderId = randomUUID();
      await create(patient, orderId);
      await Promise.all([cancel(patient, orderId), dispatch(patient, orderId)]);
      const told = (await toldOf(patient, orderId)).slice(1).join();
      expect(told).toBe(
        (await stateOf(patient, orderId)) === 'dispatched'
          ? 'shipment-dispatched,cancellation-too-late'
          : 'shipment-cancelled',
      );
    }
  });

  it('of an order that has none is not found', async () => {
    await expect(patient.execute(new GetShipment({ orderId: randomUUID() }))).rejects.toThrow(ShipmentNotFound);
  });
});

describe('over HTTP', () => {
  it('shows a buyer their own, page by page, and staff any', async () => {
    const orders = [randomUUID(), randomUUID(), randomUUID()];
    const owner = { subject: randomUUID(), roles: [] };
    for (const orderId of orders) await patient.execute(new CreateShipment({ orderId, userId: owner.subject, lines }));
    const first = await patient.as(owner).request('GET', '/shipments?limit=2');
    expect(first.body).toMatchObject({
      items: [{ orderId: orders[2] }, { orderId: orders[1] }],
      nextCursor: expect.any(String) as string,
    });
    const { nextCursor } = first.body as { nextCursor: string };
    expect(
      (await patient.as(owner).request('GET', `/shipments?limit=2&cursor=${encodeURIComponent(nextCursor)}`)).body,
    ).toMatchObject({ items: [{ orderId: orders[0] }], nextCursor: null });
    expect(
      (await patient.as({ subject: randomUUID(), roles: [] }).request('GET', `/shipments/${orders[0]}`)).status,
    ).toBe(404);
    expect((await patient.request('GET', `/shipments/${orders[0]}`)).body).toMatchObject({
      orderId: orders[0],
      state: 'packed',
    });
    expect((await patient.request('GET', '/shipments/none')).status).toBe(400);
  });

  it('lets staff alone dispatch', async () => {
    const orderId = randomUUID();
    await create(patient, orderId);
    expect(
      (await patient.as({ subject: buyer, roles: [] }).request('POST', `/shipments/${orderId}/dispatch`)).status,
    ).toBe(403);
  });
});

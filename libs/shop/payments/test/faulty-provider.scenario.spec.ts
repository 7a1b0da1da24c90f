import { randomUUID } from 'node:crypto';
import { ModuleFault } from '@fledge/kit/contract';
import { eventually, type TestedModule } from '@fledge/kit/testing';
import { DataSource } from 'typeorm';
import { AuthorisePayment, CancelPayment, CapturePayment, GetPayment, RetryPayment } from '../contract/index.js';
import { Sweep } from '../src/settle-payment/sweep.js';
import { RetryPayments1764200000000 } from '../src/storage/migrations/1764200000000-retry-payments.js';
import { type FaultyProvider, withFaultyProvider } from './faulty-provider.js';

const AMOUNT = 1_999;
// What is asked is due for the sweep at once: what it is to leave alone, it must leave alone all the same.
const SETTINGS = { askedMaxMs: 100 };

let shop: TestedModule;
let provider: FaultyProvider;
beforeAll(async () => {
  ({ shop, provider } = await withFaultyProvider(SETTINGS));
});
afterAll(() => shop?.close());
afterEach(() => {
  provider.after = () => Promise.resolve();
  provider.instead = () => undefined;
});

const authorise = (orderId: string) =>
  shop.execute(
    new AuthorisePayment({
      orderId,
      userId: randomUUID(),
      amountMinor: AMOUNT,
      currency: 'EUR',
      paymentMethod: 'pm_card_approved',
    }),
  );
const cancel = (orderId: string) => shop.execute(new CancelPayment({ orderId, reason: 'changed my mind' }));
const retry = (orderId: string, attempt?: number) =>
  shop.execute(new RetryPayment({ orderId, ...(attempt !== undefined && { attempt }) }));
const paymentOf = (orderId: string) => shop.execute(new GetPayment({ orderId }));
const stateOf = async (orderId: string): Promise<string> => (await paymentOf(orderId)).state;

/** What was told of an order, in order; of a refusal also the attempt. */
async function toldOf(orderId: string): Promise<string[]> {
  const stored = await shop
    .get(DataSource)
    .query<{ name: string; payload: string }[]>(
      "SELECT name, payload FROM fledge_outbox WHERE kind = 'event' AND key = $1 ORDER BY seq",
      [orderId],
    );
  return stored.map(({ name, payload }) =>
    `${name.replace(/^payments\.|\.v1$/g, '')} ${(JSON.parse(payload) as { attempt?: number }).attempt ?? ''}`.trim(),
  );
}

/** A payment of which the provider has refused a step. */
async function refused(step: 'capture' | 'void' | 'refund'): Promise<string> {
  const orderId = randomUUID();
  await authorise(orderId);
  provider.instead = (asked, reference) =>
    asked === step ? { status: 'declined', reference, reason: 'closed' } : undefined;
  if (step !== 'void') await shop.execute(new CapturePayment({ orderId }));
  if (step !== 'capture') await cancel(orderId);
  return orderId;
}

it("makes good by the sweep what a process left that ended between the provider's answer and its storing", async () => {
  const orderId = randomUUID();
  provider.after = () => Promise.reject(new Error('the process ends here'));
  const before = provider.asked.length;
  await expect(authorise(orderId)).rejects.toBeInstanceOf(ModuleFault);
  await eventually(async () => {
    await shop.get(Sweep).round();
    return (await stateOf(orderId)) === 'authorised';
  }, 'the payment is authorised');
  expect(provider.asked.slice(before)).toEqual(['authorise']);
});

describe('what the provider refuses', () => {
  it.each([
    ['capture', 'captured', ['capture-failed 1', 'capture-failed 2', 'payment-captured']],
    ['void', 'voided', ['cancel-failed 1', 'cancel-failed 2', 'payment-cancelled']],
    ['refund', 'refunded', ['payment-captured', 'cancel-failed 1', 'cancel-failed 2', 'payment-cancelled']],
  ] as const)('is told, kept, and asked again only when somebody wants it: %s', async (step, done, told) => {
    const orderId = await refused(step);
    expect(await stateOf(orderId)).toBe(`${step}-failed`);
    await retry(orderId, 1);
    expect(await stateOf(orderId)).toBe(`${step}-failed`);
    provider.instead = () => undefined;
    // whatever waits for the provider is due for the sweep now
    await shop.get(DataSource).query('UPDATE payments SET ask_at = now() WHERE ask_at IS NOT NULL');
    await shop.get(Sweep).round();
    // who has seen the first refusal only wants nothing new
    await retry(orderId, 1);
    expect(await stateOf(orderId)).toBe(`${step}-failed`);
    const before = provider.keys.length;
    await Promise.all([1, 2].map(() => retry(orderId, 2)));
    // both may ask, for the same one thing
    expect(new Set(provider.keys.slice(before))).toEqual(new Set([`${orderId}:${step}:3`]));
    expect(await paymentOf(orderId)).toMatchObject({
      state: done,
      capturedMinor: step === 'void' ? 0 : AMOUNT,
      refundedMinor: step === 'refund' ? AMOUNT : 0,
    });
    // the second of the two may have been told again what came of it, and nothing else
    const seen = await toldOf(orderId);
    expect(seen.filter((one, i) => one !== told.at(-1) || seen.indexOf(one) === i)).toEqual([
      'payment-authorised',
      ...told,
    ]);
  });

  it.each([
    ['capture', 'captured', 'payment-captured'],
    ['void', 'voided', 'payment-cancelled'],
    ['refund', 'refunded', 'payment-cancelled'],
  ] as const)('and was done by hand meanwhile is settled when it is asked again: %s', async (step, done, told) => {
    const orderId = await refused(step);
    provider.instead = (_, reference) => ({ status: 'declined', reference, reason: `already_${done}` });
    await retry(orderId);
    expect(await paymentOf(orderId)).toMatchObject({
      state: done,
      capturedMinor: step === 'void' ? 0 : AMOUNT,
      refundedMinor: step === 'refund' ? AMOUNT : 0,
    });
    expect((await toldOf(orderId)).at(-1)).toBe(told);
  });

  it('and was settled without them is told again to those who have it tried again, and changes nothing', async () => {
    const orderId = await refused('capture');
    provider.instead = () => undefined;
    await retry(orderId);
    const { history } = await paymentOf(orderId);
    await retry(orderId, 1);
    expect((await toldOf(orderId)).slice(-3)).toEqual(['capture-failed 1', 'payment-captured', 'payment-captured']);
    expect((await paymentOf(orderId)).history).toEqual(history);
  });

  it('waits for the provider again when the migration is taken back', async () => {
    const orderId = await refused('void');
    const runner = shop.get(DataSource).createQueryRunner();
    await new RetryPayments1764200000000().down(runner);
    expect(
      await runner.query('SELECT state, ask_at IS NOT NULL AS asked FROM payments WHERE order_id = $1', [orderId]),
    ).toEqual([{ state: 'voiding', asked: true }]);
    await new RetryPayments1764200000000().up(runner);
    await runner.release();
    // who saw a later attempt refused, before, has it tried again all the same
    await eventually(async () => {
      await shop.get(Sweep).round();
      expect(await stateOf(orderId)).toBe('void-failed');
    }, 'it is refused again');
    expect((await toldOf(orderId)).at(-1)).toBe('cancel-failed 1');
    provider.instead = () => undefined;
    await retry(orderId, 2);
    expect(await stateOf(orderId)).toBe('voided');
  });
});

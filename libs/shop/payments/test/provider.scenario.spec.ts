import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, testModule, type TestedModule } from '@fledge/kit/testing';
import { DataSource } from 'typeorm';
import {
  AuthorisePayment,
  CancelPayment,
  CapturePayment,
  GetPayment,
  type TestPaymentMethod,
} from '../contract/index.js';
import { PaymentsModule } from '../src/index.js';
import { FileBook } from '../src/sandbox/file-book.js';
import { Sandbox } from '../src/sandbox/sandbox.js';
import { Sweep } from '../src/settle-payment/sweep.js';
import { sign, SIGNATURE_HEADER } from '../src/webhooks/signature.js';

const SECRET = 'a secret of both sides';

let folder: string;
let book: FileBook;
let provider: Sandbox;
let shop: TestedModule;

async function startProvider(port?: number): Promise<void> {
  book = new FileBook(join(folder, 'book.jsonl'));
  provider = await Sandbox.start({
    book,
    deliver: post,
    port,
    slowMs: 50,
    lateMs: 50,
    onFailure: (error) => {
      throw error;
    },
  });
}

/** As the provider posts its webhooks: to the module's own route. */
async function post(body: string): Promise<boolean> {
  const { status } = await shop
    .as(undefined)
    .request('POST', '/payments/webhooks', body, { headers: { [SIGNATURE_HEADER]: sign(body, SECRET, Date.now()) } });
  return status === 204;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'provider-'));
  await startProvider();
  shop = await testModule(PaymentsModule, {
    settings: { providerUrl: provider.url, webhookSecret: SECRET, providerTimeoutMs: 300, askedMaxMs: 60_000 },
    logger: false,
  });
});
afterAll(async () => {
  await provider?.close();
  await shop?.close();
  book?.close();
  rmSync(folder, { recursive: true, force: true });
});

const authorise = (orderId: string, paymentMethod: TestPaymentMethod) =>
  shop.execute(
    new AuthorisePayment({ orderId, userId: randomUUID(), amountMinor: 700, currency: 'EUR', paymentMethod }),
  );
const stateOf = async (orderId: string): Promise<string> => (await shop.execute(new GetPayment({ orderId }))).state;
const booked = async (orderId: string): Promise<string[]> =>
  (await book.read(0, 10_000))
    .filter((line) => line.orderId === orderId && (line.outcome === 'approved' || line.outcome === 'declined'))
    .map(({ operation, outcome }) => `${operation} ${outcome}`);

describe('a provider that is a process of its own', () => {
  it.each([
    'pm_card_approved',
    'pm_card_charged_timeout',
    'pm_card_late_webhook',
    'pm_card_duplicate_webhook',
  ] as const)('is asked, and tells by webhook what it tells late: %s', async (card) => {
    const orderId = randomUUID();
    await authorise(orderId, card);
    await eventually(async () => expect(await stateOf(orderId)).toBe('authorised'), 'the payment is authorised');
    await shop.execute(new CapturePayment({ orderId }));
    await eventually(async () => expect(await stateOf(orderId)).toBe('captured'), 'the payment is captured');
    expect(await booked(orderId)).toEqual(['authorise approved', 'capture approved']);
    expect(await shop.get(DataSource).query('SELECT 1 FROM sandbox_book')).toEqual([]);
  });

  it('may be away: payments wait, and go on when it is back', async () => {
    const [placed, given] = [randomUUID(), randomUUID()];
    await authorise(given, 'pm_card_approved');
    const port = Number(new URL(provider.url).port);
    await provider.close();
    book.close();
    await authorise(placed, 'pm_card_approved');
    await shop.execute(new CancelPayment({ orderId: given, reason: 'out of patience' }));
    expect([await stateOf(placed), await stateOf(given)]).toEqual(['authorising', 'voiding']);
    await startProvider(port);
    await eventually(async () => {
      await shop.get(Sweep).round();
      expect([await stateOf(placed), await stateOf(given)]).toEqual(['authorised', 'voided']);
    }, 'both are settled');
    expect([await booked(placed), await booked(given)]).toEqual([
      ['authorise approved'],
      ['authorise approved', 'void approved'],
    ]);
  });

  it('does nothing twice that is asked again by mistake', async () => {
    const orderId = randomUUID();
    await authorise(orderId, 'pm_card_approved');
    await shop
      .get(DataSource)
      .query("UPDATE payments SET state = 'authorising', told = '{}', ask_at = now() WHERE order_id = $1", [orderId]);
    await shop.get(Sweep).round();
    expect(await booked(orderId)).toEqual(['authorise approved']);
    // The ledger has what was set aside already, and takes it no second time.
    expect(await stateOf(orderId)).toBe('authorising');
  });
});

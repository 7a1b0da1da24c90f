import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@fledge/kit/testing';
import type { TestPaymentMethod } from '../contract/index.js';
import { HttpProvider } from '../src/provider/http-provider.js';
import { ProviderUnavailable } from '../src/provider/payment-provider.js';
import type { Line } from '../src/sandbox/book.js';
import { deliverTo } from '../src/sandbox/deliver.js';
import { FileBook } from '../src/sandbox/file-book.js';
import { Sandbox } from '../src/sandbox/sandbox.js';
import { faultOf, SIGNATURE_HEADER } from '../src/webhooks/signature.js';

const SECRET = 'a secret of both sides';
// long enough for a machine that is busy with something else
const TIMEOUT_MS = 2_000;

let folder: string;
let path: string;
let sandbox: Sandbox;
/** Where webhooks go to, what came, and how it answers. */
let receiver: Server;
let received: { id: string; key: string; status: string; fault: string | undefined }[] = [];
let answerWith = 204;
const provider = new HttpProvider(() => sandbox.url, TIMEOUT_MS);

async function start(): Promise<void> {
  const { port } = receiver.address() as AddressInfo;
  sandbox = await Sandbox.start({
    book: new FileBook(path),
    deliver: deliverTo(`http://127.0.0.1:${port}/hook`, SECRET),
    slowMs: 100,
    lateMs: 1_000,
    onFailure: (error) => {
      throw error;
    },
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const body = Buffer.concat(chunks);
        received.push({
          ...(JSON.parse(body.toString()) as { id: string; key: string; status: string }),
          fault: faultOf(body, request.headers[SIGNATURE_HEADER], SECRET, Date.now()),
        });
        response.writeHead(answerWith).end();
      });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
beforeEach(async () => {
  path = join(folder, `${randomUUID()}.jsonl`);
  received = [];
  answerWith = 204;
  await start();
});
afterEach(() => sandbox.close());
afterAll(() => {
  receiver.close();
  receiver.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

const authorise = (paymentMethod: TestPaymentMethod | 'pm_stolen', key: string = randomUUID()) =>
  provider.authorise({ orderId: randomUUID(), amountMinor: 500, currency: 'EUR', paymentMethod }, key);
const bookOf = async (): Promise<Line[]> => (await fetch(`${sandbox.url}/v1/book`)).json() as Promise<Line[]>;
const outcomesOf = async (key: string): Promise<string[]> =>
  (await bookOf()).filter((line) => line.key === key).map((line) => line.outcome);

describe('cards', () => {
  it('approved: takes, and gives back', async () => {
    const { reference, status } = await authorise('pm_card_approved');
    expect(status).toBe('approved');
    expect(await provider.capture(reference, 'c')).toMatchObject({ status: 'approved', reference });
    expect(await provider.refund(reference, 'r')).toMatchObject({ status: 'approved' });
  });

  it.each([
    ['pm_card_declined', 'card_declined'],
    ['pm_card_insufficient_funds', 'insufficient_funds'],
    ['pm_stolen', 'unknown_payment_method'],
  ] as const)('%s: declined', async (card, reason) => {
    expect(await authorise(card)).toMatchObject({ status: 'declined', reason });
  });

  it('slow: approved after a while', async () => {
    const before = performance.now();
    expect(await authorise('pm_card_slow')).toMatchObject({ status: 'approved' });
    expect(performance.now() - before).toBeGreaterThanOrEqual(99);
  });

  it('charged and timed out: no answer, but booked; whoever asks again learns of it', async () => {
    await expect(authorise('pm_card_charged_timeout', 'silent')).rejects.toBeInstanceOf(ProviderUnavailable);
    expect(await provider.find('silent')).toMatchObject({ status: 'approved' });
    expect(await outcomesOf('silent')).toEqual(['approved']);
  });

  it('an error, then success: the error booked nothing', async () => {
    const orderId = randomUUID();
    const ask = () =>
      provider.authorise(
        { orderId, amountMinor: 500, currency: 'EUR', paymentMethod: 'pm_card_error_then_success' },
        'err',
      );
    await expect(ask()).rejects.toThrow('answered 500');
    expect(await provider.find('err')).toBeUndefined();
    expect(await ask()).toMatchObject({ status: 'approved' });
  });

  it('late webhook: pending, then told once, signed', async () => {
    expect(await authorise('pm_card_late_webhook', 'late')).toMatchObject({ status: 'pending' });
    expect(await provider.find('late')).toMatchObject({ status: 'pending' });
    await eventually(
      async () => expect(await outcomesOf('late')).toEqual(['pending', 'approved', 'told']),
      'the result is told',
    );
    expect(received).toEqual([expect.objectContaining({ key: 'late', status: 'approved', fault: undefined })]);
    expect(await provider.find('late')).toMatchObject({ status: 'approved' });
  });

  it('duplicate webhook: told three times, twice with one id', async () => {
    await authorise('pm_card_duplicate_webhook', 'twice');
    await eventually(() => received.length === 3, 'three webhooks came');
    expect(new Set(received.map(({ id }) => id)).size).toBe(2);
    expect(received.map(({ status }) => status)).toEqual(['approved', 'approved', 'approved']);
  });
});

describe('idempotency', () => {
  it('answers a key the same, however many ask at once, and books it once', async () => {
    const orderId = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        provider.authorise({ orderId, amountMinor: 500, currency: 'EUR', paymentMethod: 'pm_card_approved' }, 'once'),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await outcomesOf('once')).toEqual(['approved']);
  });

  it('refuses a key that was used for something else', async () => {
    const { reference } = await authorise('pm_card_approved', 'mine');
    await expect(authorise('pm_card_approved', 'mine')).rejects.toThrow('answered 409');
    await expect(provider.capture(reference, 'mine')).rejects.toThrow('answered 409');
  });

  it('takes once, and never what was freed', async () => {
    const [one, two] = [await authorise('pm_card_approved'), await authorise('pm_card_approved')];
    await provider.capture(one.reference, 'c1');
    expect(await provider.capture(one.reference, 'c2')).toMatchObject({
      status: 'declined',
      reason: 'already_captured',
    });
    expect(await provider.void(one.reference, 'v1')).toMatchObject({ status: 'declined', reason: 'already_captured' });
    await provider.void(two.reference, 'v2');
    expect(await provider.capture(two.reference, 'c3')).toMatchObject({ status: 'declined', reason: 'already_voided' });
    expect(await provider.refund(two.reference, 'r2')).toMatchObject({ status: 'declined' });
    await provider.refund(one.reference, 'r1');
    expect(await provider.refund(one.reference, 'r3')).toMatchObject({
      status: 'declined',
      reason: 'already_refunded',
    });
    expect(await provider.capture('auth_unknown', 'c4')).toMatchObject({
      status: 'declined',
      reason: expect.stringContaining('404') as string,
    });
  });
});

describe('a sandbox that ended', () => {
  it('knows all that it answered when it is back, and tells what it has not told', async () => {
    answerWith = 503;
    const { reference } = await authorise('pm_card_approved', 'kept');
    await authorise('pm_card_late_webhook', 'untold');
    await eventually(() => received.length > 0, 'a webhook was refused');
    await sandbox.close();
    await expect(provider.find('kept')).rejects.toThrow('cannot be reached');
    answerWith = 204;
    await start();
    expect(await provider.find('kept')).toEqual({ status: 'approved', reference });
    await eventually(
      async () => expect(await outcomesOf('untold')).toEqual(['pending', 'approved', 'told']),
      'the result is told',
    );
  });
});

it.each([
  ['no key', {}, { orderId: 'o', amountMinor: 1, currency: 'EUR', paymentMethod: 'x' }],
  ['no amount', { 'idempotency-key': 'k' }, { orderId: 'o', currency: 'EUR', paymentMethod: 'x' }],
  ['half a cent', { 'idempotency-key': 'k' }, { orderId: 'o', amountMinor: 0.5, currency: 'EUR', paymentMethod: 'x' }],
  ['no JSON', { 'idempotency-key': 'k' }, undefined],
])('refuses %s with 400', async (_, headers, body) => {
  const response = await fetch(`${sandbox.url}/v1/authorisations`, {
    method: 'POST',
    headers,
    body: body ? JSON.stringify(body) : '{',
  });
  expect(response.status).toBe(400);
  expect(await bookOf()).toEqual([]);
});

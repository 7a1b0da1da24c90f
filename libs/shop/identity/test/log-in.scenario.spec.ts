import type { AddressInfo } from 'node:net';
import { eventually, testModule, type TestedModule } from '@fledge/kit/testing';
import { DataSource } from 'typeorm';
import { Backoff } from '../src/backoff/backoff.js';
import { failureKeys } from '../src/backoff/backoff-rules.js';
import { IdentityModule } from '../src/index.js';
import type { HashingQueue } from '../src/passwords/hashing-queue.js';
import { Passwords } from '../src/passwords/passwords.js';

let shop: TestedModule;
beforeAll(async () => {
  shop = await testModule(IdentityModule, { settings: { demo: true } });
});
afterAll(() => shop?.close());

const sql = (query: string, parameters: unknown[] = []): Promise<Record<string, unknown>[]> =>
  shop.get<DataSource>(DataSource).query(query, parameters);
beforeEach(() => sql('DELETE FROM log_in_failures'));

const KNOWN = 'buyer@shop.test';
const CLIENT = '127.0.0.1';
const logIn = (email: string, password = 'wrong password') => shop.request('POST', '/auth/login', { email, password });
const rightLogIn = () => logIn(KNOWN, 'buyer-demo-password');
/** As if so many log-ins had failed just now. */
const failTimes = async (email: string, client: string, count: number): Promise<void> => {
  const keys = Object.values(failureKeys(email, client));
  await sql(
    `INSERT INTO log_in_failures (key, count, failed_at) SELECT key, $2, now() FROM unnest($1::text[]) AS key
     ON CONFLICT (key) DO UPDATE SET count = $2, failed_at = now()`,
    [keys, count],
  );
};

it.each([KNOWN, 'nobody@shop.test'])(
  'lets who fails too often for %s wait, also with the right password',
  async (email) => {
    for (let i = 0; i < 5; i++) expect(await logIn(email)).toMatchObject({ status: 401 });
    await failTimes(email, CLIENT, 15);
    const blocked = await logIn(email, 'buyer-demo-password');
    expect(blocked).toMatchObject({
      status: 429,
      body: {
        code: 'identity.log-in-blocked.v1',
        detail: 'too many log-ins have failed',
        hint: 'Try again after `retryAfterSeconds`.',
      },
    });
    const retryAfter = Number(blocked.headers['retry-after']);
    expect(retryAfter).toBeGreaterThan(60);
    expect(retryAfter).toBeLessThanOrEqual(900);
    expect((blocked.body as { data: object }).data).toEqual({ retryAfterSeconds: retryAfter });
  },
);

it('counts failures by account, by client and by both, whether the account exists or not', async () => {
  for (const email of [KNOWN, ' BUYER@Shop.test', 'nobody@shop.test']) await logIn(email);
  const counts = async (email: string): Promise<unknown[]> => {
    const keys = failureKeys(email, CLIENT);
    const rows = await sql('SELECT key, count FROM log_in_failures');
    return [keys['account-and-client'], keys.account, keys.client].map(
      (key) => rows.find((row) => row.key === key)?.count,
    );
  };
  expect(await counts(KNOWN)).toEqual([2, 2, 3]);
  expect(await counts('nobody@shop.test')).toEqual([1, 1, 3]);
});

it('stores no address that somebody typed, which may be a password', async () => {
  await logIn('my secret password');
  expect(JSON.stringify(await sql('SELECT * FROM log_in_failures'))).not.toContain('secret');
});

it('lets the user in from elsewhere while someone guesses, and another user in from the same place', async () => {
  const backoff = shop.get(Backoff);
  await failTimes(KNOWN, '192.0.2.1', 30);
  await expect(backoff.check(KNOWN, '192.0.2.1')).rejects.toMatchObject({ kind: 'too-many' });
  await expect(backoff.check('staff@shop.test', '192.0.2.1')).resolves.toBeUndefined();
  expect((await rightLogIn()).status).toBe(200);
});

it('lets a client wait that fails for many accounts', async () => {
  for (let i = 0; i < 70; i++) await shop.get(Backoff).failed(`user-${i}@shop.test`, '192.0.2.1');
  await expect(shop.get(Backoff).check(KNOWN, '192.0.2.1')).rejects.toMatchObject({ kind: 'too-many' });
});

it('forgets the failures of a client for an account after a success there, and keeps the others', async () => {
  for (let i = 0; i < 3; i++) await logIn(KNOWN);
  expect((await rightLogIn()).status).toBe(200);
  const keys = failureKeys(KNOWN, CLIENT);
  const rows = await sql('SELECT key, count FROM log_in_failures ORDER BY key');
  expect(new Map(rows.map((row) => [row.key, row.count]))).toEqual(
    new Map([
      [keys.client, 3],
      [keys.account, 3],
    ]),
  );
});

it('counts failures that come at once, without a deadlock', async () => {
  await Promise.all(Array.from({ length: 40 }, (_, i) => shop.get(Backoff).failed(`user-${i % 3}@shop.test`, CLIENT)));
  const rows = await sql('SELECT count FROM log_in_failures WHERE key = $1', [failureKeys(KNOWN, CLIENT).client]);
  expect(rows).toEqual([{ count: 40 }]);
});

it('takes as long for an unknown account as for a wrong password', async () => {
  const tookMs: Record<string, number[]> = { [KNOWN]: [], 'nobody@shop.test': [] };
  for (let i = 0; i < 12; i++) {
    for (const [email, times] of Object.entries(tookMs)) {
      await sql('DELETE FROM log_in_failures');
      const start = performance.now();
      expect((await logIn(email)).status).toBe(401);
      times.push(performance.now() - start);
    }
  }
  const [known, unknown] = Object.values(tookMs).map((times) => times.sort((a, b) => a - b)[6] as number) as [
    number,
    number,
  ];
  // without the hash, it would be several times faster
  expect(unknown / known).toBeGreaterThan(0.5);
  expect(unknown / known).toBeLessThan(2);
});

it('refuses what is too much at once for one account', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => logIn('crowd@shop.test')));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  for (const { headers } of refused) expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect(answers.every(({ status }) => status === 401 || status === 429)).toBe(true);
});

// 300 abandoned log-ins delayed the next one by 7 s.
it('checks no password for those who have hung up', async () => {
  const passwords = shop.get(Passwords);
  // whatever the machine's speed, the line does not move until all have hung up
  const { queue } = passwords as unknown as { queue: HashingQueue };
  const { promise: gate, open } = closedGate();
  const before = [queue.run({}, () => gate), queue.run({}, () => gate)];
  const server = shop.app.getHttpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth/login`;
  const hangUp = new AbortController();
  const all = Array.from({ length: 60 }, (_, i) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: `gone-${i}@shop.test`, password: 'wrong password' }),
      signal: hangUp.signal,
    }),
  );
  try {
    await eventually(() => expect(passwords.waiting).toBeGreaterThan(20), 'a line of log-ins', 20_000);
    hangUp.abort();
    await Promise.allSettled(all);
    // sooner than they leave the line by themselves, after 5 s
    await eventually(() => expect(passwords.waiting).toBe(0), 'no line of log-ins', 2_500);
    open();
    await Promise.all(before);
    expect((await rightLogIn()).status).toBe(200);
    const rows = await sql('SELECT count FROM log_in_failures WHERE key = $1', [failureKeys(KNOWN, CLIENT).client]);
    expect(rows[0]?.count ?? 0).toBeLessThan(45);
  } finally {
    open();
    await new Promise((resolve) => server.close(resolve));
  }
});

function closedGate(): { promise: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}

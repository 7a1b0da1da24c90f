import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import pg from 'pg';
import { Shop } from './journeys/shop.js';
import { MODULES, type StartedShop, startGroups } from './started-shop.js';

type Claims = Readonly<Record<string, unknown>>;

/** Signs as identity does, with its own key: what is wrong with these tokens is only what they say. */
async function signerOf({ databaseUrl }: StartedShop): Promise<(header: Claims, claims: Claims) => string> {
  const tables = new pg.Client({ connectionString: databaseUrl });
  await tables.connect();
  try {
    const { rows } = await tables.query<{ kid: string; x: string; d: string }>(
      'SELECT kid, x, d FROM identity.signing_keys',
    );
    const { kid, x, d } = rows[0] as (typeof rows)[0];
    const key = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', x, d }, format: 'jwk' });
    return (header, claims) => {
      const input = [{ alg: 'EdDSA', kid, typ: 'at+jwt', ...header }, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
    };
  } finally {
    await tables.end();
  }
}

const now = (): number => Math.floor(Date.now() / 1_000);
const claims = (changes: Claims = {}): Claims => ({
  iss: 'identity',
  aud: 'shop',
  sub: randomUUID(),
  roles: ['staff', 'buyer'],
  iat: now(),
  exp: now() + 900,
  ...changes,
});

const BAD: readonly (readonly [string, Claims, () => Claims])[] = [
  // such a subject reached the database, which knows no such id: 500
  ['whose subject is no id', {}, () => claims({ sub: 'admin' })],
  ['whose subject is an id and more', {}, () => claims({ sub: `${randomUUID()} or more` })],
  ['of another type', { typ: 'JWT' }, claims],
  ['of another issuer', {}, () => claims({ iss: 'payments' })],
  ['for another audience', {}, () => claims({ aud: 'shop-of-others' })],
  ['that is valid for a day', {}, () => claims({ exp: now() + 86_400 })],
];

describe.each([
  ['in one process', [MODULES]],
  ['as services', MODULES.map((name) => [name])],
] as const)('%s, every route', (_, groups) => {
  let started: StartedShop;
  let shop: Shop;
  let signed: Awaited<ReturnType<typeof signerOf>>;
  let operations: readonly (readonly [method: string, path: string])[];

  beforeAll(async () => {
    started = await startGroups(groups);
    shop = new Shop(started.url);
    signed = await signerOf(started);
    const { paths } = (await (await fetch(`${started.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path.replace(/\{\w+\}/g, randomUUID())] as const),
    );
  });
  afterAll(() => started?.stop());

  it.each(BAD)('refuses a token %s', async (_name, header, claimed) => {
    expect(operations.length).toBeGreaterThan(25);
    const token = signed(header, claimed());
    const details = new Set<unknown>();
    for (const [method, path] of operations) {
      const { status, body } = await shop.request(method, path, { token });
      expect([method, path, status]).toEqual([method, path, 401]);
      details.add((body as { detail: unknown }).detail);
    }
    expect([...details]).toEqual(['the token is not valid or has expired']);
  });

  it('takes the same token when it says what it must', async () => {
    const token = signed({}, claims());
    for (const [method, path] of operations.filter(([name]) => name === 'GET')) {
      const { status } = await shop.request(method, path, { token });
      expect([path, [200, 404].includes(status)]).toEqual([path, true]);
    }
  });
});

import { testModule, type TestedModule } from '@fledge/kit/testing';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { GetSigningKeys, GetUser, UserNotFound } from '../contract/index.js';
import { IdentityModule } from '../src/index.js';
import { SigningKeyRepository } from '../src/storage/signing-key.repository.js';

let shop: TestedModule;
beforeAll(async () => {
  shop = await testModule(IdentityModule, { settings: { demo: true } });
});
afterAll(() => shop?.close());

const password = 'a long enough password';
const register = (email: string) => shop.request('POST', '/auth/register', { email, password });
const logIn = (email: string, secret: string) => shop.request('POST', '/auth/login', { email, password: secret });
const me = (token: string) =>
  shop.request('GET', '/users/me', undefined, { headers: { authorization: `Bearer ${token}` } });

it('registers, logs in, and knows who it is', async () => {
  expect(await register('Ann@Shop.test')).toMatchObject({
    status: 201,
    body: { email: 'Ann@Shop.test', roles: ['buyer'] },
  });
  const { status, body } = await logIn('ann@shop.test', password);
  expect(status).toBe(200);
  const { accessToken } = body as { accessToken: string };
  expect(await me(accessToken)).toMatchObject({ status: 200, body: { email: 'Ann@Shop.test' } });
});

it('has one user for an address in any case, however many register at once', async () => {
  const statuses = (await Promise.all(['bob@shop.test', 'BOB@shop.test', 'Bob@Shop.Test'].map(register))).map(
    (response) => response.status,
  );
  expect(statuses.sort()).toEqual([201, 409, 409]);
});

it('answers an unknown address and a wrong password alike', async () => {
  const [wrong, unknown] = [
    await logIn('buyer@shop.test', 'wrong password'),
    await logIn('nobody@shop.test', 'wrong password'),
  ];
  expect([wrong.status, unknown.status]).toEqual([401, 401]);
  expect({ ...(wrong.body as object), correlationId: '' }).toEqual({ ...(unknown.body as object), correlationId: '' });
});

it('lets nobody make staff of themselves', async () => {
  expect(
    await shop.request('POST', '/auth/register', { email: 'eve@shop.test', password, roles: ['staff'] }),
  ).toMatchObject({ status: 400 });
});

it('issues tokens that its published keys verify, and publishes no private key', async () => {
  const { accessToken } = (await logIn('staff@shop.test', 'staff-demo-password')).body as { accessToken: string };
  const { keys } = (await shop.request('GET', '/.well-known/jwks.json')).body as {
    keys: { kid: string; d?: string }[];
  };
  const { payload } = await jwtVerify(
    accessToken,
    createLocalJWKSet({ keys: keys.map((key) => ({ ...key, kty: 'OKP' })) }),
  );
  expect(payload).toMatchObject({ roles: ['staff'], iss: 'identity' });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(900);
  expect(keys.every((key) => key.d === undefined)).toBe(true);
  expect((await shop.execute(new GetSigningKeys())).keys.map((key) => key.kid)).toEqual(keys.map((key) => key.kid));
});

it('tells other modules how to reach a user, and who is none', async () => {
  const { body } = await register('reach@shop.test');
  const { id } = body as { id: string };
  expect(await shop.execute(new GetUser({ userId: id }))).toEqual({ userId: id, email: 'reach@shop.test' });
  await expect(shop.execute(new GetUser({ userId: '00000000-0000-4000-8000-000000000000' }))).rejects.toThrow(
    UserNotFound,
  );
});

it('makes one key, however many replicas start at once', async () => {
  const keys = shop.get(SigningKeyRepository);
  let made = 0;
  const make = (): Promise<never> => {
    made++;
    return Promise.reject(new Error('a second key was made'));
  };
  const found = await Promise.all([1, 2, 3].map(() => keys.newestOr(make)));
  expect(new Set(found.map((key) => key.kid)).size).toBe(1);
  expect(made).toBe(0);
});

it('refuses a token that was tampered with', async () => {
  const { accessToken } = (await logIn('buyer@shop.test', 'buyer-demo-password')).body as { accessToken: string };
  const [header, , signature] = accessToken.split('.');
  const forged = Buffer.from(JSON.stringify({ sub: 'x', roles: ['staff'], exp: 9_999_999_999 })).toString('base64url');
  expect((await me(`${header}.${forged}.${signature}`)).status).toBe(401);
});

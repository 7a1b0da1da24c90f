import { Controller, Get } from '@nestjs/common';
import { Query, type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { exportJWK, generateKeyPair, type GenerateKeyPairResult, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { currentContext, CallContext, type Identity, now, runInContext } from '../boundary/index.js';
import { BoundedModule } from '../bus/index.js';
import { defineContract, QueryContract, SigningKeys } from '../contract/index.js';
import { Host } from '../host/index.js';
import { LocalTransport } from '../transport/index.js';
import { Authentication, CurrentUser, Public, Roles } from './index.js';
import { KeyRing } from './key-ring.js';

@QueryContract('accounts.keys.v1', { result: SigningKeys })
class GetKeys extends Query<SigningKeys> {}

const AccountsContract = defineContract({ name: 'accounts', queries: [GetKeys] });
const OfficeContract = defineContract({ name: 'office', routes: ['/office'] });

/** The issuer's public keys, and how often they were asked for. */
let published: SigningKeys;
let asked = 0;

@QueryHandler(GetKeys)
class GetKeysHandler implements IQueryHandler<GetKeys> {
  execute(): Promise<SigningKeys> {
    asked++;
    return Promise.resolve(published);
  }
}

@BoundedModule({ contract: AccountsContract, providers: [GetKeysHandler] })
class AccountsModule {}

@Controller('office')
class OfficeController {
  @Get() me(@CurrentUser() user: Identity): Identity {
    return user;
  }
  @Get('open') @Public() open(): { open: boolean } {
    return { open: true };
  }
  @Get('safe') @Roles('clerk', 'head') safe(): { safe: boolean } {
    return { safe: true };
  }
}

class Greeting {
  @Get() hello(): { hello: boolean } {
    return { hello: true };
  }
}
@Controller('office/outside')
@Public()
class OutsideController extends Greeting {}
@Controller('office/inside')
class InsideController extends Greeting {}

@BoundedModule({
  contract: OfficeContract,
  uses: [AccountsContract],
  imports: [Authentication.verifiedBy(GetKeys)],
  controllers: [OfficeController, OutsideController, InsideController],
})
class OfficeModule {}

const application = {
  name: 'security',
  modules: [
    { contract: AccountsContract, load: () => Promise.resolve(AccountsModule) },
    { contract: OfficeContract, load: () => Promise.resolve(OfficeModule) },
  ],
};

let host: Host;
let issuer: GenerateKeyPairResult;
let stranger: GenerateKeyPairResult;

beforeAll(async () => {
  [issuer, stranger] = await Promise.all([generateKeyPair('EdDSA', { extractable: true }), generateKeyPair('EdDSA')]);
  const { x } = await exportJWK(issuer.publicKey);
  published = new SigningKeys({
    keys: [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: 'k1', x: x as string }],
  });
});
// A host for each test, since it remembers the keys.
beforeEach(async () => {
  asked = 0;
  host = await new Host({
    application,
    modules: ['accounts', 'office'],
    transport: new LocalTransport(),
    http: { port: 0 },
  }).start();
});
afterEach(() => host?.close());

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;
const valid: JWTPayload = { sub: 'u-1', roles: ['clerk'], exp: inSeconds(600) };
const signed = (claims: JWTPayload, { kid = 'k1', key = issuer } = {}): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid }).sign(key.privateKey);

async function get(path: string, authorization?: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${host.port}${path}`, {
    headers: authorization === undefined ? {} : { authorization },
  });
  return { status: response.status, body: await response.json() };
}

it('lets a user in by a token, as who it says', async () => {
  const token = await signed(valid);
  expect(await get('/office', `Bearer ${token}`)).toEqual({ status: 200, body: { subject: 'u-1', roles: ['clerk'] } });
  expect(await get('/office', `bearer ${token}`)).toMatchObject({ status: 200 });
  expect(asked).toBe(1);
});

it('reads only a list of texts as roles', async () => {
  const rolesOf = async (roles: unknown): Promise<unknown> =>
    (await get('/office', `Bearer ${await signed({ ...valid, roles })}`)).body;
  expect(await rolesOf('clerk')).toMatchObject({ roles: [] });
  expect(await rolesOf(['a', 1, null, 'b'])).toMatchObject({ roles: ['a', 'b'] });
});

it('shows what is public to everyone, but not with a token that is wrong', async () => {
  expect(await get('/office/open')).toMatchObject({ status: 200 });
  expect(await get('/office/open', 'Bearer nonsense')).toMatchObject({ status: 401 });
});

it('tells controllers apart that inherit one method', async () => {
  for (const [path, status] of [
    ['outside', 200],
    ['inside', 401],
    ['outside', 200],
  ] as const)
    expect(await get(`/office/${path}`)).toMatchObject({ status });
});

it('asks for one of the roles', async () => {
  expect(await get('/office/safe', `Bearer ${await signed({ ...valid, roles: ['head'] })}`)).toMatchObject({
    status: 200,
  });
  expect(await get('/office/safe', `Bearer ${await signed({ ...valid, roles: ['guest'] })}`)).toMatchObject({
    status: 403,
    body: { code: 'fledge.forbidden' },
  });
});

it.each<[string, () => string | Promise<string | undefined> | undefined, string]>([
  ['no token', () => undefined, 'has no token'],
  ['a token that has expired', () => signed({ ...valid, exp: inSeconds(-60) }), 'the token has expired'],
  ['a token that is not valid yet', () => signed({ ...valid, nbf: inSeconds(60) }), 'the token is not valid'],
  ['a token that never expires', () => signed({ sub: 'u-1' }), 'the token is not valid'],
  ['a token of nobody', () => signed({ exp: inSeconds(60) }), 'the token is not valid'],
  ["another's signature under our key's name", () => signed(valid, { key: stranger }), 'the token is not valid'],
  ['a key that the issuer does not have', () => signed(valid, { kid: 'k2', key: stranger }), 'the token is not valid'],
  ['no signature', () => new UnsecuredJWT(valid).encode(), 'the token is not valid'],
  [
    'the public key as a secret',
    () =>
      new SignJWT(valid)
        .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
        .sign(Buffer.from(published.keys[0]?.x ?? '', 'base64url')),
    'the token is not valid',
  ],
  ['garbage', () => 'garbage', 'the token is not valid'],
])('refuses %s', async (_, tokenOf, detail) => {
  const token = await tokenOf();
  const { status, body } = await get('/office', token && `Bearer ${token}`);
  expect(status).toBe(401);
  expect(body).toMatchObject({ code: 'fledge.unauthenticated', detail: expect.stringContaining(detail) as string });
});

it('a reader that goes away does not take the keys from those who wait for them too', async () => {
  let answer = (): void => undefined;
  const ring = new KeyRing(
    () =>
      new Promise((resolve, reject) => {
        answer = () => resolve(published);
        currentContext()?.hold({ cancel: () => reject(new Error('the question was cancelled')) });
      }),
  );
  const [hasty, patient] = [1, 2].map(
    () => new CallContext('office', 'http', now() + 1_000, undefined, undefined, undefined),
  ) as [CallContext, CallContext];
  const found = [hasty, patient].map((context) => runInContext(context, () => ring.find('k1')));
  hasty.cancel();
  answer();
  expect(await Promise.all(found)).toEqual([expect.anything(), expect.anything()]);
});

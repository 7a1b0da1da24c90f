import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { NatsTransport } from '@fledge/nats';
import { Controller, Get } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Identity } from '../boundary/index.js';
import { BoundedModule } from '../bus/index.js';
import { type AccessTokenRules, defineContract, QueryContract, SigningKeys } from '../contract/index.js';
import { Host } from '../host/index.js';
import { testNatsUrl } from '../testing/index.js';
import { LocalTransport, type Transport } from '../transport/index.js';
import { Authentication, CurrentUser } from './index.js';

/** Tokens are made here by hand: a library would refuse to make most of these. */
const pairOf = () => generateKeyPairSync('ed25519');
const [first, second, stranger] = [pairOf(), pairOf(), pairOf()];
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const xOf = (key: KeyObject): string => key.export({ format: 'jwk' }).x as string;
const secretOf = (key: KeyObject, type: 'pem' | 'der'): string | Buffer =>
  key.export({ format: type as 'pem', type: 'spki' });

const RULES: AccessTokenRules = {
  issuer: 'accounts',
  audience: 'offices',
  lifetimeMaxSeconds: 900,
  subject: /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/,
};

@QueryContract('accounts.keys.v1', { result: SigningKeys })
class GetKeys extends Query<SigningKeys> {}

@QueryHandler(GetKeys)
class GetKeysHandler implements IQueryHandler<GetKeys> {
  execute(): Promise<SigningKeys> {
    const key = (kid: string, { publicKey }: typeof first) =>
      ({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x: xOf(publicKey) }) as const;
    return Promise.resolve(new SigningKeys({ keys: [key('k1', first), key('k2', second)] }));
  }
}

const AccountsContract = defineContract({ name: 'accounts', queries: [GetKeys] });
const OfficeContract = defineContract({ name: 'office', routes: ['/office'] });

@BoundedModule({ contract: AccountsContract, providers: [GetKeysHandler] })
class AccountsModule {}

@Controller('office')
class OfficeController {
  @Get() me(@CurrentUser() user: Identity): Identity {
    return user;
  }
}

@BoundedModule({
  contract: OfficeContract,
  uses: [AccountsContract],
  imports: [Authentication.verifiedBy(GetKeys, RULES)],
  controllers: [OfficeController],
})
class OfficeModule {}

const modules = [
  { contract: AccountsContract, load: () => Promise.resolve(AccountsModule) },
  { contract: OfficeContract, load: () => Promise.resolve(OfficeModule) },
];

const SUBJECT = '0b7c2f60-0d3c-4ef7-9a53-0c2f6d1b7a11';
const HEADER = { alg: 'EdDSA', kid: 'k1', typ: 'at+jwt' };
const now = (): number => Math.floor(Date.now() / 1_000);
const claims = (): Record<string, unknown> => ({
  iss: 'accounts',
  aud: 'offices',
  sub: SUBJECT,
  roles: ['clerk'],
  iat: now(),
  exp: now() + 600,
});

const encoded = (part: unknown): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
const bySecret = (secret: string | Buffer) => (input: string) =>
  createHmac('sha256', secret).update(input).digest('base64url');
const byKey =
  (key: KeyObject, hash: string | null = null) =>
  (input: string) =>
    sign(
      hash,
      Buffer.from(input),
      hash === 'sha256' && key.asymmetricKeyType === 'ec' ? { key, dsaEncoding: 'ieee-p1363' } : key,
    ).toString('base64url');
const token = (header: unknown, payload: unknown, signature = byKey(first.privateKey)): string => {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${signature(input)}`;
};
/** A token that is right but for some claims; `undefined` leaves one out. */
const claiming = (changes: Record<string, unknown>): string => token(HEADER, { ...claims(), ...changes });
/** A token that is right but for its header. */
const headed = (changes: Record<string, unknown>, signature?: (input: string) => string): string =>
  token({ ...HEADER, ...changes }, claims(), signature);

const BAD: readonly (readonly [string, () => string])[] = [
  ['no signature, and says so', () => headed({ alg: 'none' }, () => '')],
  ['no signature, and says so in capitals', () => headed({ alg: 'NONE' }, () => '')],
  ['no signature although it names an algorithm', () => headed({}, () => '')],
  [
    'the public key as the secret of HS256',
    () => headed({ alg: 'HS256' }, bySecret(Buffer.from(xOf(first.publicKey), 'base64url'))),
  ],
  ['the text of the public key as the secret', () => headed({ alg: 'HS256' }, bySecret(xOf(first.publicKey)))],
  [
    'the PEM of the public key as the secret',
    () => headed({ alg: 'HS256' }, bySecret(secretOf(first.publicKey, 'pem'))),
  ],
  [
    'the DER of the public key as the secret',
    () => headed({ alg: 'HS256' }, bySecret(secretOf(first.publicKey, 'der'))),
  ],
  ['an empty secret', () => headed({ alg: 'HS256' }, bySecret(''))],
  ['RS256 under the id of an Ed25519 key', () => headed({ alg: 'RS256' }, byKey(rsa.privateKey, 'sha256'))],
  ['ES256 under the id of an Ed25519 key', () => headed({ alg: 'ES256' }, byKey(ec.privateKey, 'sha256'))],
  ['the right signature under another name of its algorithm', () => headed({ alg: 'Ed25519' })],
  ['its algorithm in lower case', () => headed({ alg: 'eddsa' })],
  ['no algorithm', () => headed({ alg: undefined })],
  ['an algorithm that is no text', () => headed({ alg: 1 })],
  ['a list of algorithms', () => headed({ alg: ['EdDSA'] })],
  ['the signature of a stranger', () => headed({}, byKey(stranger.privateKey))],
  ['the signature of one key under the id of another', () => headed({ kid: 'k2' })],
  ['a cut signature', () => headed({}).slice(0, -4)],
  ['a longer signature', () => `${headed({})}AAAA`],
  ['a signature of zeros', () => headed({}, () => Buffer.alloc(64).toString('base64url'))],
  [
    'the claims of another token',
    () => headed({}).replace(/\.[^.]+\./, `.${encoded({ ...claims(), roles: ['staff'] })}.`),
  ],
  ['no key id', () => headed({ kid: undefined })],
  ['an unknown key id', () => headed({ kid: 'k3' })],
  ['an empty key id', () => headed({ kid: '' })],
  ['a key id that is a number', () => headed({ kid: 1 })],
  ['a key id that is a list', () => headed({ kid: ['k1'] })],
  ['a key id that is null', () => headed({ kid: null })],
  ['a path as key id', () => headed({ kid: '../../../../dev/null' }, bySecret(''))],
  ['a URL as key id', () => headed({ kid: 'http://127.0.0.1:9/jwks.json' }, byKey(stranger.privateKey))],
  ['SQL as key id', () => headed({ kid: "k1' OR '1'='1" })],
  ['the name of a property as key id', () => headed({ kid: '__proto__' })],
  ['a key id in capitals', () => headed({ kid: 'K1' })],
  [
    'a key of its own',
    () => headed({ kid: 'k3', jwk: stranger.publicKey.export({ format: 'jwk' }) }, byKey(stranger.privateKey)),
  ],
  [
    'a key of its own under a known id',
    () => headed({ jwk: stranger.publicKey.export({ format: 'jwk' }) }, byKey(stranger.privateKey)),
  ],
  ['the address of a key', () => headed({ jku: 'http://127.0.0.1:9/jwks.json' }, byKey(stranger.privateKey))],
  ['a certificate of its own', () => headed({ x5c: ['MIIB'] }, byKey(stranger.privateKey))],
  ['an extension that must be understood', () => headed({ crit: ['exp'], exp: 1 })],
  ['a payload that is not encoded', () => headed({ crit: ['b64'], b64: false })],
  ['no type', () => headed({ typ: undefined })],
  ['the type of any token', () => headed({ typ: 'JWT' })],
  ['the type of an ID token', () => headed({ typ: 'id+jwt' })],
  ['the type of a refresh token', () => headed({ typ: 'rt+jwt' })],
  ['the type of a passport', () => headed({ typ: 'passport+jwt' })],
  ['no issuer', () => claiming({ iss: undefined })],
  ['another issuer', () => claiming({ iss: 'office' })],
  ['a list of issuers', () => claiming({ iss: ['accounts', 'office'] })],
  ['its issuer in capitals', () => claiming({ iss: 'Accounts' })],
  ['no audience', () => claiming({ aud: undefined })],
  ['another audience', () => claiming({ aud: 'shops' })],
  ['an empty list as audience', () => claiming({ aud: [] })],
  ['an audience that begins with the right one', () => claiming({ aud: 'offices-of-others' })],
  ['no subject', () => claiming({ sub: undefined })],
  ['an empty subject', () => claiming({ sub: '' })],
  ['a subject that is a number', () => claiming({ sub: 1 })],
  ['a subject that is a list', () => claiming({ sub: [SUBJECT] })],
  ['a subject of another form', () => claiming({ sub: 'admin' })],
  ['a subject with more after the right form', () => claiming({ sub: `${SUBJECT}\n` })],
  ['no expiry', () => claiming({ exp: undefined })],
  ['an expiry in the past', () => claiming({ exp: now() - 60 })],
  ['an expiry that is a text', () => claiming({ exp: String(now() + 600) })],
  ['an expiry too far away', () => claiming({ exp: now() + 901 })],
  ['an expiry at the end of time', () => claiming({ exp: 1e15 })],
  ['an expiry that is null', () => claiming({ exp: null })],
  ['no time of issue', () => claiming({ iat: undefined })],
  ['a time of issue in the future', () => claiming({ iat: now() + 60, exp: now() + 120 })],
  ['a time of issue that is a text', () => claiming({ iat: String(now()) })],
  ['a time of issue too long ago', () => claiming({ iat: now() - 1_000, exp: now() + 60 })],
  ['a time from which it holds in the future', () => claiming({ nbf: now() + 60 })],
  ['claims that are a list', () => token(HEADER, [claims()])],
  ['claims that are null', () => token(HEADER, 'null')],
  ['claims that are not JSON', () => token(HEADER, '{"sub":')],
  ['a header that is not JSON', () => token('{', claims())],
  ['a header that is a list', () => token([HEADER], claims())],
  [
    'a header that says a claim twice, of which one is right',
    () => token('{"alg":"EdDSA","kid":"k1","typ":"at+jwt","typ":"JWT"}', claims()),
  ],
  ['two parts', () => headed({}).split('.').slice(0, 2).join('.')],
  ['four parts', () => `${headed({})}.e30`],
  ['five parts, as encrypted ones have', () => `${headed({})}.e30.e30`],
  ['empty parts', () => '..'],
  [
    'an opaque text, such as a refresh token',
    () => 'rt_9RJEAL3oRUuZqg3jP1x3oQ.lq0nWb3h5xEw6Q1m2yq8b2Ql5s0Jb8K2b0o4bG1xYzA',
  ],
  ['text that is not base64url', () => headed({}).replace('.', '.%')],
  ['no ASCII', () => 'e\u00fcJ.e30.e30'],
];

describe.each([
  ['in one process', () => [hostOf(['accounts', 'office'], new LocalTransport())]],
  ['in two services over NATS', () => ['accounts', 'office'].map((name) => hostOf([name], natsTransport(name)))],
] as const)('access tokens by rules, %s,', (_where, hosts) => {
  let all: Host[];
  beforeAll(async () => {
    all = hosts();
    for (const host of all) await host.start();
  });
  afterAll(() => Promise.all(all.map((host) => host.close())));

  const answer = async (bearer: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`http://127.0.0.1:${all.at(-1)?.port}/office`, {
      headers: { authorization: `Bearer ${bearer}` },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it.each<[string, () => string]>([
    ['as the issuer makes them', () => claiming({})],
    ['by any key of the list', () => headed({ kid: 'k2' }, byKey(second.privateKey))],
    ['for several audiences', () => claiming({ aud: ['shops', 'offices'] })],
    ['with the long name of their type', () => headed({ typ: 'application/at+jwt' })],
    ['of the longest life', () => claiming({ exp: now() + 900 })],
  ])('are accepted %s', async (_, good) => {
    expect(await answer(good())).toEqual({ status: 200, body: { subject: SUBJECT, roles: ['clerk'] } });
  });

  it.each(BAD)('are refused with %s, in the same words', async (_, bad) => {
    const { status, body } = await answer(bad());
    expect([status, { ...body, correlationId: '' }]).toEqual([
      401,
      {
        type: 'urn:problem:fledge.unauthenticated',
        title: 'Unauthenticated',
        status: 401,
        detail: 'the token is not valid or has expired',
        code: 'fledge.unauthenticated',
        hint: 'Log in, and send the token as `Authorization: Bearer <token>`.',
        correlationId: '',
      },
    ]);
  });
});

function hostOf(names: readonly string[], transport: Transport): Host {
  return new Host({ application: { name: 'tokens', modules }, modules: [...names], transport, http: { port: 0 } });
}

function natsTransport(name: string): Transport {
  return new NatsTransport({ url: testNatsUrl(), namespace: `tokens${process.pid}`, name });
}

import { randomBytes } from 'node:crypto';
import { Controller, Get, Logger } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { NatsTransport } from '@fledge/nats';
import { exportJWK, generateKeyPair, type GenerateKeyPairResult, SignJWT } from 'jose';
import { defineContract, QueryContract, SigningKeys } from '../../src/contract/index.js';
import {
  Authentication,
  BoundedModule,
  CurrentUser,
  Host,
  type Identity,
  LocalTransport,
  type TrustOptions,
} from '../../src/index.js';
import { testNatsUrl, throwawayTrust } from '../../src/testing/index.js';

@QueryContract('accounts.keys.v1', { result: SigningKeys })
class GetKeys extends Query<SigningKeys> {}
const AccountsContract = defineContract({ name: 'accounts', queries: [GetKeys], routes: ['/me'] });
const OfficeContract = defineContract({ name: 'office', routes: ['/office'] });

let published: SigningKeys;

@QueryHandler(GetKeys)
class GetKeysHandler implements IQueryHandler<GetKeys> {
  execute(): Promise<SigningKeys> {
    return Promise.resolve(published);
  }
}
@Controller('me')
class MeController {
  @Get() me(@CurrentUser() user: Identity): Identity {
    return user;
  }
}
@Controller('office')
class OfficeController {
  @Get() me(@CurrentUser() user: Identity): Identity {
    return user;
  }
}
@BoundedModule({
  contract: AccountsContract,
  imports: [Authentication.verifiedBy(GetKeys)],
  providers: [GetKeysHandler],
  controllers: [MeController],
})
class AccountsModule {}
@BoundedModule({
  contract: OfficeContract,
  uses: [AccountsContract],
  imports: [Authentication.verifiedBy(GetKeys)],
  controllers: [OfficeController],
})
class OfficeModule {}

const application = {
  name: 'offices',
  modules: [
    { contract: AccountsContract, load: () => Promise.resolve(AccountsModule) },
    { contract: OfficeContract, load: () => Promise.resolve(OfficeModule) },
  ],
};

Logger.overrideLogger(false);

describe('keys for the tokens of users, from the module that issues them', () => {
  const hosts: Host[] = [];
  let namespace: string;
  let issuer: GenerateKeyPairResult;
  let trust: readonly TrustOptions[];
  let client: NatsConnection;

  beforeAll(async () => {
    // what a host loads blocks the process for longer than the broker waits for a sign of life on a slow machine
    await (await new Host({ application, modules: ['accounts'], transport: new LocalTransport() }).start()).close();
  });
  beforeEach(async () => {
    namespace = `keys${randomBytes(4).toString('hex')}`;
    issuer = await generateKeyPair('EdDSA', { extractable: true });
    published = await keysOf(issuer);
    trust = throwawayTrust(namespace, [['accounts'], ['office']]);
    client = await connect({ servers: testNatsUrl() });
  });
  afterEach(async () => {
    await client?.close();
    for (const host of hosts.splice(0)) await host.close();
  });

  const keysOf = async ({ publicKey }: GenerateKeyPairResult): Promise<SigningKeys> => {
    const { x = '' } = await exportJWK(publicKey);
    return new SigningKeys({ keys: [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: 'k1', x }] });
  };
  const start = async (module: string, trusted?: TrustOptions): Promise<Host> => {
    const transport = new NatsTransport({ url: testNatsUrl(), namespace });
    const host = new Host({ application, modules: [module], transport, http: { port: 0 }, trust: trusted });
    hosts.push(host);
    return host.start();
  };
  const tokenOf = ({ privateKey }: GenerateKeyPairResult): Promise<string> =>
    new SignJWT({ sub: 'ann', roles: ['staff'] })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'k1' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  const get = async ({ port }: Host, path: string, token: string): Promise<object> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.json() };
  };
  /** Somebody on the broker who answers in place of the accounts. */
  const pretend = async (answer: (asked: string) => Promise<string> | string): Promise<void> => {
    client.subscribe(`${namespace}.accounts.keys.v1.*`, {
      queue: 'accounts',
      callback: (_, message) => void Promise.resolve(answer(message.string())).then((text) => message.respond(text)),
    });
    await client.flush();
  };
  const REFUSED = { status: 500, body: { code: 'fledge.keys-refused' } };

  it('let users in, in its own module and in others', async () => {
    const [accounts, office] = [await start('accounts', trust[0]), await start('office', trust[1])];
    const token = await tokenOf(issuer);
    expect(await get(accounts, '/me', token)).toMatchObject({ status: 200, body: { subject: 'ann' } });
    expect(await get(office, '/office', token)).toMatchObject({ status: 200, body: { subject: 'ann' } });
  });

  it('are not believed from somebody else, who could make staff of anybody', async () => {
    const stranger = await generateKeyPair('EdDSA', { extractable: true });
    const office = await start('office', trust[1]);
    await pretend(async () => JSON.stringify(await keysOf(stranger)));
    expect(await get(office, '/office', await tokenOf(stranger))).toMatchObject(REFUSED);
  });

  it.each<[string, (namespace: string) => readonly TrustOptions[], number]>([
    ['with a key that is not pinned', (name) => throwawayTrust(name, [['accounts'], ['office']]), 0],
    ['with the key of another service', () => trust, 1],
    ['for another deployment', () => trust.map((one) => ({ ...one, deployment: 'elsewhere' })), 0],
  ])('are not believed %s', async (_, trustOf, signer) => {
    const theirs = trustOf(namespace)[signer] as TrustOptions;
    // it speaks for both, in its own eyes
    const keys = { accounts: Object.values(theirs.keys).flat(), office: Object.values(theirs.keys).flat() };
    await start('accounts', { ...theirs, keys });
    const office = await start('office', trust[1]);
    expect(await get(office, '/office', await tokenOf(issuer))).toMatchObject(REFUSED);
  });

  it('are not believed with an old proof beside new keys', async () => {
    const accounts = await start('accounts', trust[0]);
    const answer = await client.request(`${namespace}.accounts.keys.v1`, '{}', { timeout: 4_000 });
    const { proof } = answer.json<{ proof: string }>();
    await accounts.close();
    const stranger = await generateKeyPair('EdDSA', { extractable: true });
    const office = await start('office', trust[1]);
    await pretend(async () => JSON.stringify({ ...(await keysOf(stranger)), proof }));
    expect(await get(office, '/office', await tokenOf(stranger))).toMatchObject({ status: 401 });
    expect(await get(office, '/office', await tokenOf(issuer))).toMatchObject({ status: 200 });
  });
});

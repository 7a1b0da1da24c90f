import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { Command, CommandBus, CommandHandler } from '@nestjs/cqrs';
import { connect, headers as natsHeaders, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { IsString } from 'class-validator';
import { SignJWT } from 'jose';
import { NatsTransport } from '@fledge/nats';
import { CallContext, type Identity, now, runInContext } from '../../src/boundary/index.js';
import { CommandContract, defineContract, PassportRefused } from '../../src/contract/index.js';
import {
  BoundedModule,
  type CurrentCall,
  currentCall,
  Host,
  LocalTransport,
  type TrustOptions,
} from '../../src/index.js';
import { testNatsUrl, throwawayTrust } from '../../src/testing/index.js';

@CommandContract('vault.open.v1', { result: String, deadlineMs: 4_000 })
class Open extends Command<string> {
  @IsString() what!: string;
  constructor(what: string) {
    super();
    this.what = what;
  }
}
@CommandContract('vault.shut.v1', { result: String, deadlineMs: 4_000 })
class Shut extends Command<string> {}
const VaultContract = defineContract({ name: 'vault', commands: [Open, Shut] });
const DeskContract = defineContract({ name: 'desk' });

/** What the handlers of the vault saw. */
const seen: (CurrentCall | undefined)[] = [];

@CommandHandler(Open)
class OpenHandler {
  execute({ what }: Open): string {
    seen.push(currentCall());
    return what;
  }
}
@CommandHandler(Shut)
class ShutHandler {
  execute(): string {
    seen.push(currentCall());
    return 'shut';
  }
}
@BoundedModule({ contract: VaultContract, providers: [OpenHandler, ShutHandler] })
class VaultModule {}
@BoundedModule({ contract: DeskContract, uses: [VaultContract] })
class DeskModule {}

const application = {
  name: 'bank',
  modules: [
    { contract: VaultContract, load: () => Promise.resolve(VaultModule) },
    { contract: DeskContract, load: () => Promise.resolve(DeskModule) },
    // knows no passport of its own, and is hosted nowhere
    { contract: defineContract({ name: 'other' }), load: () => Promise.reject(new Error('not hosted')) },
  ],
};
const ANN: Identity = { subject: 'ann', roles: ['clerk'] };
const MORE_KEYS = ['cellar', 'other'];

Logger.overrideLogger(false);

describe('who acts in a call over NATS', () => {
  const namespace = `bank${process.pid}`;
  let trust: readonly TrustOptions[];
  let vault: Host;
  let desk: Host;
  let client: NatsConnection;
  const start = (module: string, trusted: TrustOptions | undefined): Promise<Host> =>
    new Host({
      application,
      modules: [module],
      transport: new NatsTransport({ url: testNatsUrl(), namespace }),
      trust: trusted,
    }).start();

  beforeAll(async () => {
    // what a host loads blocks the process for longer than the broker waits for a sign of life on a slow machine
    await (await new Host({ application, modules: ['vault'], transport: new LocalTransport() }).start()).close();
    trust = throwawayTrust(namespace, [['vault'], ['desk'], MORE_KEYS]);
    vault = await start('vault', trust[0]);
    desk = await start('desk', trust[1]);
    client = await connect({ servers: testNatsUrl() });
  });
  afterAll(async () => {
    await client?.close();
    await desk?.close();
    await vault?.close();
  });
  beforeEach(() => seen.splice(0));

  const workOf = (identity?: Identity, onBehalfOf?: string): CallContext =>
    new CallContext('desk', 'http', now() + 3_000, identity, undefined, undefined, undefined, onBehalfOf);
  /** Calls as whoever may write the subjects of `caller` and read its inboxes. */
  const ask = (lines: Record<string, string>, message = 'open', caller = 'desk'): Promise<Msg> => {
    const headers = natsHeaders();
    for (const [name, value] of Object.entries(lines)) headers.set(name, value);
    const body = message === 'open' ? '{"what":"x"}' : '{}';
    const reply = `_INBOX.${namespace}.${caller}.test.${randomUUID()}`;
    return client.request(`${namespace}.vault.${message}.v1.${caller}`, body, {
      timeout: 4_000,
      headers,
      reply,
      noMux: true,
    });
  };
  /** The passports that the desk sends while `work` runs. */
  const overheard = async (work: () => Promise<unknown>): Promise<string[]> => {
    const passports: string[] = [];
    const tap = client.subscribe(`${namespace}.vault.>`, {
      callback: (_, message) => void passports.push(message.headers?.get('Fledge-Passport') ?? ''),
    });
    await client.flush();
    try {
      await work();
      await client.flush();
    } finally {
      tap.unsubscribe();
    }
    return passports;
  };
  const commands = (): CommandBus => desk.module('desk').get(CommandBus);

  it('is proven by a passport, made once for each piece of work and message', async () => {
    const work = workOf(ANN);
    const passports = await overheard(() =>
      runInContext(work, async () => {
        await commands().execute(new Open('a'));
        await commands().execute(new Open('b'));
        await commands().execute(new Shut());
      }),
    );
    expect(seen.map((call) => [call?.caller, call?.identity])).toEqual(Array(3).fill(['desk', ANN]));
    expect(passports[0]).not.toBe('');
    expect(passports[1]).toBe(passports[0]);
    expect(passports[2]).not.toBe(passports[0]);
    const [next] = await overheard(() => runInContext(workOf(ANN), () => commands().execute(new Open('c'))));
    expect(next).not.toBe(passports[0]);
  });

  it('is the module itself, on behalf of who began the work, without a user', async () => {
    await runInContext(workOf(undefined, 'bob'), () => commands().execute(new Open('a')));
    await runInContext(workOf(), () => commands().execute(new Open('b')));
    expect(seen.map((call) => [call?.identity, call?.onBehalfOf])).toEqual([
      [undefined, 'bob'],
      [undefined, undefined],
    ]);
  });

  describe('is refused', () => {
    const keyOf = ({ signingKey }: TrustOptions = trust[1] as TrustOptions): KeyObject =>
      createPrivateKey({ key: Buffer.from(signingKey, 'base64'), format: 'der', type: 'pkcs8' });
    /** A passport of the desk, changed. */
    const passport = async (
      claims: Record<string, unknown> = {},
      { typ = 'fledge-passport+jwt', kid = '', key = keyOf() } = {},
    ): Promise<string> => {
      const at = Date.now() / 1_000;
      const sound = { iss: 'desk', aud: `${namespace}/vault`, msg: 'vault.open.v1', sub: 'ann', roles: ['clerk'] };
      return new SignJWT({ ...sound, chain: ['desk'], iat: at, exp: at + 3, ...claims })
        .setProtectedHeader({ alg: 'EdDSA', typ, kid: kid || (await deskKid()) })
        .sign(key);
    };
    let kid: string | undefined;
    const headOf = (token: string): { kid: string } =>
      JSON.parse(Buffer.from(token.split('.', 1)[0] as string, 'base64url').toString()) as { kid: string };
    const deskKid = async (): Promise<string> =>
      (kid ??= headOf(
        (await overheard(() => runInContext(workOf(ANN), () => commands().execute(new Open('k')))))[0] as string,
      ).kid);
    const ago = (seconds: number): number => Date.now() / 1_000 - seconds;
    const stranger = generateKeyPairSync('ed25519').privateKey;

    it('but not if it is sound, whoever sends it', async () => {
      const answer = await ask({ 'Fledge-Passport': await passport() });
      expect(answer.string()).toBe('"x"');
      expect(seen.at(-1)).toMatchObject({ identity: ANN });
    });

    it.each<[string, string, () => Promise<Record<string, string>> | Record<string, string>, caller?: string]>([
      ['a user in a header alone', 'missing', () => ({ 'Fledge-Subject': 'ann', 'Fledge-Roles': 'clerk' })],
      ['on behalf of a user in a header alone', 'missing', () => ({ 'Fledge-On-Behalf-Of': 'ann' })],
      [
        'another user beside a passport',
        'identity',
        async () => ({ 'Fledge-Subject': 'eve', 'Fledge-Passport': await passport() }),
      ],
      ['no passport at all', 'malformed', () => ({ 'Fledge-Passport': 'a.b.c' })],
      [
        'a passport for another module',
        'audience',
        async () => ({ 'Fledge-Passport': await passport({ aud: `${namespace}/desk` }) }),
      ],
      [
        'a passport for another deployment',
        'audience',
        async () => ({ 'Fledge-Passport': await passport({ aud: 'elsewhere/vault' }) }),
      ],
      [
        'a passport for another message',
        'message',
        async () => ({ 'Fledge-Passport': await passport({ msg: 'vault.shut.v1' }) }),
      ],
      [
        'an expired passport',
        'expired',
        async () => ({ 'Fledge-Passport': await passport({ iat: ago(60), exp: ago(57) }) }),
      ],
      [
        'a passport that is valid later',
        'expired',
        async () => ({ 'Fledge-Passport': await passport({ iat: ago(-60), exp: ago(-63) }) }),
      ],
      [
        'a passport that never ends',
        'expired',
        async () => ({ 'Fledge-Passport': await passport({ exp: ago(-86_400) }) }),
      ],
      [
        'a passport with a longer deadline',
        'deadline',
        async () => ({ 'Fledge-Passport': await passport(), 'Fledge-Left-Ms': '3500' }),
      ],
      [
        'a passport of a module for which its key does not speak',
        'issuer',
        async () => ({ 'Fledge-Passport': await passport({ iss: 'other' }) }),
        'other',
      ],
      ['a passport of another caller', 'issuer', async () => ({ 'Fledge-Passport': await passport() }), 'other'],
      [
        'a passport that another service has signed',
        'signature',
        async () => ({ 'Fledge-Passport': await passport({}, { key: keyOf(trust[2]) }) }),
      ],
      [
        'a passport with the key of a stranger',
        'unknown-key',
        async () => ({ 'Fledge-Passport': await passport({}, { kid: 'stranger', key: stranger }) }),
      ],
      [
        'an access token in place of a passport',
        'kind',
        async () => ({ 'Fledge-Passport': await passport({}, { typ: 'at+jwt' }) }),
      ],
      [
        'a passport without an algorithm',
        'malformed',
        async () => {
          const [, body] = (await passport()).split('.');
          const head = { alg: 'none', typ: 'fledge-passport+jwt', kid: await deskKid() };
          return { 'Fledge-Passport': `${Buffer.from(JSON.stringify(head)).toString('base64url')}.${body}.` };
        },
      ],
    ])('with %s', async (_, flaw, lines, ...[caller]) => {
      const given = await lines();
      const before = await refusals(flaw);
      seen.splice(0);
      const answer = await ask(given, 'open', caller);
      expect(answer.json()).toMatchObject({
        code: 'fledge.passport-refused',
        outcome: 'rejected',
        data: { module: 'vault', contract: 'vault.open.v1', flaw },
      });
      expect(seen).toEqual([]);
      expect(await refusals(flaw)).toBe(before + 1);
    });

    it('with a passport that was overheard, for another message', async () => {
      const [heard = ''] = await overheard(() => runInContext(workOf(ANN), () => commands().execute(new Open('a'))));
      seen.splice(0);
      expect((await ask({ 'Fledge-Passport': heard }, 'shut')).json()).toMatchObject({ data: { flaw: 'message' } });
      expect(seen).toEqual([]);
    });

    it('by an error that the caller can read, when the keys of its service are not pinned', async () => {
      const [, elsewhere] = throwawayTrust(namespace, [['vault'], ['desk'], MORE_KEYS]);
      const other = await start('desk', elsewhere);
      try {
        const call = runInContext(workOf(ANN), () => other.module('desk').get(CommandBus).execute(new Open('a')));
        const error = await call.catch((failure: unknown) => failure);
        expect(error).toBeInstanceOf(PassportRefused);
        expect(error).toMatchObject({ module: 'vault', contract: 'vault.open.v1', flaw: 'unknown-key' });
        expect(seen).toEqual([]);
      } finally {
        await other.close();
      }
    });

    const refusals = async (flaw: string): Promise<number> => {
      const metric = (await vault.registry.getMetricsAsJSON()).find(
        ({ name }) => name === 'fledge_unproven_calls_total',
      );
      const values = metric?.values ?? [];
      return values.filter(({ labels }) => labels.flaw === flaw && labels.refused === 'true')[0]?.value ?? 0;
    };
  });

  it('is believed without a passport where passports are only offered, and counted', async () => {
    await vault.close();
    vault = await start('vault', { ...(trust[0] as TrustOptions), passports: 'offered' });
    await ask({ 'Fledge-Subject': 'ann' });
    expect(seen.at(-1)?.identity).toEqual({ subject: 'ann', roles: [] });
    expect(await vault.registry.metrics()).toContain('flaw="missing",refused="false"} 1');
    expect((await ask({ 'Fledge-Passport': 'a.b.c' })).json()).toMatchObject({ data: { flaw: 'malformed' } });
  });
});

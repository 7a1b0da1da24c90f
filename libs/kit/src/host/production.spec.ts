import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { defineContract, StartupError } from '../contract/index.js';
import { parseTopology, serviceNamed } from '../topology/index.js';
import { type ProductionChecked, type ProductionFinding, refuseInProduction } from './production.js';
import { Secret } from './secret-setting.js';
import { weaknessOf } from './weak-secret.js';

const KNOWN = 'kN0wn-by-everybody-who-reads';
const RANDOM = '0kq3Jd8sPz1xW7vB9mT2';

class TillSettings implements ProductionChecked {
  @Secret() readonly webhookSecret: string = KNOWN;
  @Secret() readonly other: string = '';
  readonly sandbox: boolean = true;

  productionFindings(): readonly ProductionFinding[] {
    return this.sandbox ? [{ name: 'till-sandbox', fact: 'the till is a toy', cure: 'Buy one' }] : [];
  }
}

const TillContract = defineContract({ name: 'till' });
const ROWS = 'services: { all: { modules: [till, desk] } }\n';
const SOUND_URL = `postgres://app:${RANDOM}@db.test/shop?sslmode=verify-full`;

interface Case {
  readonly text?: string;
  readonly settings?: Partial<TillSettings>;
  readonly databaseUrls?: Readonly<Record<string, string>>;
  readonly env?: NodeJS.ProcessEnv;
}

/** The names and facts that keep a process from starting; none if it may. */
async function findings({ text = '', settings = {}, databaseUrls = {}, env }: Case): Promise<string[]> {
  const topology = parseTopology('t.yaml', ROWS + text, { modules: ['till', 'desk'], env: {} });
  const till = Object.assign(new TillSettings(), { sandbox: false, webhookSecret: `${RANDOM}x` }, settings);
  try {
    const spec = { contract: TillContract, uses: [], entities: [], migrations: [] };
    await refuseInProduction(
      { topology, service: serviceNamed(topology), loaded: [{ spec, settings: till }], databaseUrls },
      env ?? { NODE_ENV: 'production' },
    );
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(StartupError);
    expect((error as StartupError).code).toBe('fledge.startup.production');
    return ((error as StartupError).data.findings as ProductionFinding[]).map(({ name, fact }) => `${name}: ${fact}`);
  }
}

beforeAll(() => {
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
});

const PLAIN = 'the connection to PostgreSQL at';

describe('a process in production', () => {
  it.each<[string, Case, string[]]>([
    ['nothing', {}, []],
    ['a module that finds something', { settings: { sandbox: true } }, ['till-sandbox: the till is a toy']],
    [
      "a module's public default",
      { settings: { webhookSecret: KNOWN } },
      ['weak-secret: the secret of settings.till.webhookSecret is publicly known or made of common words'],
    ],
    [
      'words and short secrets',
      { settings: { webhookSecret: 'a-secret-for-a-trial', other: 'x7#Kq' } },
      [
        'weak-secret: the secret of settings.till.webhookSecret is publicly known or made of common words',
        'weak-secret: the secret of settings.till.other is shorter than 16 characters',
      ],
    ],
    [
      'one secret in two places',
      { text: `database: { url: '${SOUND_URL}' }`, settings: { webhookSecret: RANDOM } },
      ['repeated-secret: database.url and settings.till.webhookSecret have the same secret'],
    ],
    [
      'a plain connection to PostgreSQL',
      { text: `database: { url: 'postgres://app:${RANDOM}@db.test/shop' }` },
      [`plain-postgres: database.url: ${PLAIN} db.test is not encrypted`],
    ],
    [
      'one of a module',
      { databaseUrls: { till: `postgres://app:${RANDOM}@db.test/till?sslmode=prefer` } },
      [`plain-postgres: database.modules.till: ${PLAIN} db.test is not encrypted`],
    ],
    ['an encrypted one', { text: `database: { url: '${SOUND_URL}' }` }, []],
    ['one within this machine', { text: `database: { url: 'postgres://app:${RANDOM}@127.0.0.1:1/shop' }` }, []],
    ['a socket file', { text: `database: { url: 'postgres://app:${RANDOM}@x/shop?host=/run' }` }, []],
    [
      'a plain connection to NATS',
      { text: "transport: nats\nnats: { url: 'nats://n1:4222,tls://n2:4222,nats://localhost:4222' }" },
      ['plain-nats: the connection to NATS at n1:4222 is not encrypted'],
    ],
    ['NATS with files for TLS', { text: "transport: nats\nnats: { url: 'nats://n1:4222', tls: { ca: ca.pem } }" }, []],
    [
      'what is allowed by name, and the rest',
      {
        text: "transport: nats\nnats: { url: 'nats://n1:4222' }\nproduction: { allow: [plain-nats] }",
        settings: { sandbox: true },
      },
      ['till-sandbox: the till is a toy'],
    ],
    [
      'what is allowed in one text',
      {
        text: "transport: nats\nnats: { url: 'nats://n1:4222' }\nproduction: { allow: 'plain-nats, till-sandbox' }",
        settings: { sandbox: true },
      },
      [],
    ],
    ['development', { settings: { sandbox: true }, env: {} }, []],
  ])('refuses %s', async (_, given, expected) => {
    expect(await findings(given)).toEqual(expected);
  });

  it('says all that is wrong at once, and no secret', async () => {
    const topology = parseTopology('t.yaml', `${ROWS}database: { url: 'postgres://app:shop@db.test/shop' }`, {
      modules: ['till', 'desk'],
      env: {},
    });
    const looked = { topology, service: serviceNamed(topology), loaded: [], databaseUrls: {} };
    await expect(refuseInProduction(looked, { NODE_ENV: 'production' })).rejects.toMatchObject({
      message: `t.yaml is not fit for production:
  plain-postgres: database.url: the connection to PostgreSQL at db.test is not encrypted. Add ?sslmode=verify-full to its URL.
  weak-secret: the secret of database.url is publicly known or made of common words. Make one at random: openssl rand -base64 24.`,
      hint: 'Correct them. What is meant to be so is allowed by name: production: { allow: [plain-postgres, weak-secret] }.',
    });
  });
});

it.each([
  ['development-webhook-secret', 'words'],
  ['changeme', 'words'],
  ['postgres', 'words'],
  ['password12345678', 'words'],
  ['Tr0ub4dor', 'shorter'],
  ['abababababababababab', 'different'],
  [RANDOM, undefined],
])('a secret %s is found to be weak, or is not', (secret, why) => {
  const weakness = weaknessOf(secret);
  if (why === undefined) expect(weakness).toBeUndefined();
  else expect(weakness).toContain(why);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  databaseUrlsOf,
  foreignSecrets,
  parseTopology,
  resolveSecrets,
  settingsWithSecrets,
  type Topology,
  TopologyError,
} from './index.js';

const SERVICES = 'services: { one: { modules: [till] }, two: { modules: [desk] } }\ntransport: nats\n';
const TEXT = `${SERVICES}
settings: { till: { colour: red } }
secrets:
  till: { webhookSecret: { env: TILL_SECRET } }
  desk: { token: { file: FILE }, key: { env: DESK_KEY } }
database:
  modules: { till: { env: TILL_DATABASE }, desk: postgres://desk:pw@db/desk }
`;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fledge-secrets-'));
  file = join(folder, 'token');
  writeFileSync(file, 'from a file\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

function parse(text: string): Topology {
  return parseTopology('t.yaml', text.replace('FILE', file), { modules: ['till', 'desk'], env: {} });
}

function problemsOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TopologyError) return error.message;
    throw error;
  }
  return 'none';
}

describe('the secrets of modules', () => {
  it('become settings of the modules that a process hosts, from the environment and from files', () => {
    const topology = parse(TEXT);
    expect(resolveSecrets(topology, ['till'], { TILL_SECRET: 's1', TILL_DATABASE: 'postgres://till@db/till' })).toEqual(
      {
        settings: { till: { colour: 'red', webhookSecret: 's1' } },
        databaseUrls: { till: 'postgres://till@db/till' },
      },
    );
    expect(resolveSecrets(topology, ['desk'], { DESK_KEY: 'k' })).toEqual({
      settings: { till: { colour: 'red' }, desk: { token: 'from a file', key: 'k' } },
      databaseUrls: { desk: 'postgres://desk:pw@db/desk' },
    });
  });

  it('are left out where a variable is not set, so that a default applies', () => {
    expect(resolveSecrets(parse(TEXT), ['till'], { TILL_DATABASE: 'postgres://till@db/till' }).settings).toEqual({
      till: { colour: 'red' },
    });
  });

  it('are all reported whose files are empty, and the databases, with their places', () => {
    rmSync(file);
    const topology = parse(TEXT);
    writeFileSync(file, '');
    expect(problemsOf(() => resolveSecrets(topology, ['desk', 'till'], {}))).toBe(
      [
        `t.yaml:7:11: secrets.desk.token: the file ${file} is empty or cannot be read. Give this process the secret, which no other needs.`,
        't.yaml:9:14: database.modules.till: the environment variable TILL_DATABASE is not set. Give this process the secret, which no other needs.',
      ].join('\n'),
    );
  });

  it('are read without the database URLs, and these without them, by a process that needs only one of the two', () => {
    const topology = parse(TEXT);
    rmSync(file);
    expect(databaseUrlsOf(topology, ['desk'], {})).toEqual({ desk: 'postgres://desk:pw@db/desk' });
    expect(settingsWithSecrets(topology, ['till'], { TILL_SECRET: 's1' })).toEqual({
      till: { colour: 'red', webhookSecret: 's1' },
    });
    writeFileSync(file, '');
  });

  it('tell which variables a service must not have', () => {
    const topology = parse(TEXT);
    expect(foreignSecrets(topology, ['till'])).toEqual(['DESK_KEY']);
    expect(foreignSecrets(topology, ['desk'])).toEqual(['TILL_SECRET', 'TILL_DATABASE']);
    expect(foreignSecrets(topology, ['till', 'desk'])).toEqual([]);
  });

  it.each([
    [
      'secrets: { till: { key: s3cret-value } }',
      't.yaml:3:25: secrets.till.key is a text. Say where the secret is: { env: NAME } or { file: /path/of/a/file }.',
    ],
    [
      'secrets: { till: { key: { env: A, file: /b } } }',
      't.yaml:3:25: secrets.till.key is a map. Say where the secret is: { env: NAME } or { file: /path/of/a/file }.',
    ],
    ['secrets: { til: { key: { env: A } } }', "t.yaml:3:12: unknown key 'secrets.til'. Did you mean 'till'?"],
    [
      'settings: { till: { key: a } }\nsecrets: { till: { key: { env: A } } }',
      't.yaml:4:12: key of till is in `settings` and in `secrets`. Remove one of them.',
    ],
    [
      'database: { modules: { till: mysql://a:s3cret@b } }',
      "t.yaml:3:30: database.modules.till is not a PostgreSQL URL. Write it as 'postgres://user:password@host:5432/database', or leave it empty for the embedded PostgreSQL.",
    ],
    ['database: { logins: mine }', "t.yaml:3:21: database.logins is 'mine'. It may be 'own' or 'shared'."],
    [
      'production: { allow: [Plain] }',
      "t.yaml:3:23: production.allow has 'Plain'. Name findings, as in [plain-nats, plain-postgres].",
    ],
  ])('are checked: %s', (text, message) => {
    expect(problemsOf(() => parse(SERVICES + text))).toBe(message);
  });
});

import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CALL_LIMITS_DEFAULT } from '../contract/index.js';
import { loadTopology, parseTopology, serviceNamed, TopologyError } from './index.js';

const MODULES = ['identity', 'catalog', 'inventory', 'ordering'];
const ALL = 'services: { shop: { modules: [identity, catalog, inventory, ordering] } }';

/** The modules of the shop, which the files of config/ assign to services. */
const SHOP = readdirSync(join(process.cwd(), 'libs/shop')).filter((name) =>
  existsSync(join(process.cwd(), 'libs/shop', name, 'src/index.ts')),
);
const DAY_MS = 86_400_000;

function parse(text: string, env: Record<string, string> = {}): ReturnType<typeof parseTopology> {
  return parseTopology('t.yaml', text, { modules: MODULES, env });
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof TopologyError) return error.message;
    throw error;
  }
  throw new Error('expected a TopologyError, and nothing was thrown');
}

describe('a topology file', () => {
  it('uses the documented default for everything that it omits', () => {
    expect(parse(ALL)).toEqual({
      file: 't.yaml',
      namespace: 'fledge',
      transport: 'local',
      deployment: undefined,
      trust: { keys: {}, passports: 'required' },
      nats: {
        servers: [],
        maxAgeMs: 3 * DAY_MS,
        duplicateWindowMs: 120_000,
        replicas: undefined,
        maxBytes: undefined,
        maxMessageBytes: undefined,
        seed: undefined,
        seedFile: undefined,
        clients: {},
        isProvisioned: false,
        tls: undefined,
      },
      database: { url: undefined, modules: {}, logins: undefined, poolMax: 10, tls: undefined },
      http: {
        port: 3000,
        host: '127.0.0.1',
        adminPort: undefined,
        bodyMaxBytes: 262_144,
        requestTimeoutMs: 10_000,
        trustedProxies: [],
        tls: undefined,
      },
      drain: { noticeMs: 1_000, timeoutMs: 10_000 },
      calls: { defaults: CALL_LIMITS_DEFAULT, modules: {} },
      retention: { sentMs: 3 * DAY_MS, handledMs: 7 * DAY_MS, deadLettersMs: 90 * DAY_MS, processesMs: 30 * DAY_MS },
      services: [{ name: 'shop', modules: MODULES, replicas: 1 }],
      settings: {},
      secrets: {},
      production: { allow: [] },
      places: new Map(),
      transports: {},
    });
  });

  it('reads every value in the unit of its name', () => {
    const topology = parse(`
namespace: blue
transport: nats
nats:
  { url: "nats://a:4222, nats://b:4222", maxAge: 1d, duplicateWindow: 30s, replicas: 3, maxBytes: 2GiB, maxMessage: 2MiB, seedFile: "{service}.nk", provisioned: true, clients: { reporting: [catalog] } }
database: { url: postgres://u:p@h/d, poolMax: 25 }
http: { port: 8080, host: 0.0.0.0, adminPort: 8081, bodyMax: 1MiB, requestTimeout: 1.5s, trustedProxies: "10.0.0.0/8, ::1" }
drain: { notice: 0s, timeout: 2m }
calls: { waitingMax: 100, modules: { catalog: { breaker: { openFor: 5s } } } }
retention: { sent: 1h, handled: 2d }
services:
  front: { modules: [identity, catalog], replicas: 3 }
  back: { modules: [inventory, ordering] }
settings:
  catalog: { demo: true, currencies: [EUR, CHF], limits: { page: 20 } }
`);
    expect(topology).toMatchObject({
      namespace: 'blue',
      transport: 'nats',
      nats: {
        servers: ['nats://a:4222', 'nats://b:4222'],
        maxAgeMs: DAY_MS,
        duplicateWindowMs: 30_000,
        replicas: 3,
        maxBytes: 2 ** 31,
        maxMessageBytes: 2 ** 21,
        seedFile: '{service}.nk',
        isProvisioned: true,
        clients: { reporting: ['catalog'] },
      },
      database: { url: 'postgres://u:p@h/d', poolMax: 25 },
      http: {
        port: 8080,
        host: '0.0.0.0',
        adminPort: 8081,
        bodyMaxBytes: 1_048_576,
        requestTimeoutMs: 1_500,
        trustedProxies: ['10.0.0.0/8', '::1'],
      },
      drain: { noticeMs: 0, timeoutMs: 120_000 },
      calls: {
        defaults: { ...CALL_LIMITS_DEFAULT, waitingMax: 100 },
        modules: {
          catalog: {
            ...CALL_LIMITS_DEFAULT,
            waitingMax: 100,
            breaker: { ...CALL_LIMITS_DEFAULT.breaker, openForMs: 5_000 },
          },
        },
      },
      retention: { sentMs: 3_600_000, handledMs: 2 * DAY_MS },
      services: [
        { name: 'front', modules: ['identity', 'catalog'], replicas: 3 },
        { name: 'back', modules: ['inventory', 'ordering'], replicas: 1 },
      ],
      settings: { catalog: { demo: true, currencies: ['EUR', 'CHF'], limits: { page: 20 } } },
    });
  });

  it('accepts any key of settings by its name', () => {
    expect(
      Object.keys(parse(`${ALL}\nsettings: { catalog: { __proto__: { demo: true }, x: 1 } }`).settings.catalog ?? {}),
    ).toEqual(['__proto__', 'x']);
  });

  it('resolves aliases', () => {
    expect(parse(`${ALL}\nsettings: { catalog: &c { demo: true }, inventory: *c }`).settings).toEqual({
      catalog: { demo: true },
      inventory: { demo: true },
    });
  });

  it('of config/ is valid with and without an environment', () => {
    const folder = join(process.cwd(), 'config');
    for (const file of readdirSync(folder)) {
      expect(loadTopology(join(folder, file), { modules: SHOP, env: {} })).toMatchObject({
        http: { port: 3000 },
        settings: { catalog: { demo: true } },
      });
      const env = { PORT: '4000', FLEDGE_DEMO: 'false', DATABASE_URL: 'postgres://db/shop', NATS_URL: 'nats://n:4222' };
      const named = loadTopology(join(folder, file), { modules: SHOP, env });
      expect(named).toMatchObject({
        http: { port: 4000 },
        database: { url: 'postgres://db/shop' },
        nats: { servers: ['nats://n:4222'] },
        settings: { catalog: { demo: false } },
      });
    }
  });
});

describe('a substitution', () => {
  it.each([
    ['a variable', '${X}', { X: 'blue' }, 'blue'],
    ['a default', '${X:-green}', {}, 'green'],
    ['a default for an empty variable', '${X:-green}', { X: '' }, 'green'],
    ['a part of a text', 'a-${X}-${Y:-z}', { X: 'b' }, 'a-b-z'],
    ['a boolean', '${X}', { X: 'true' }, true],
    ['a number', '${X}', { X: '12' }, 12],
    ['a text that is quoted in the file', '"${X}"', { X: 'true' }, 'true'],
    ['an empty default', '${X:-}', {}, ''],
    ['a default with a colon and a slash', '${X:-nats://h:1}', {}, 'nats://h:1'],
    ['a value that would break YAML', '${X}', { X: 'a: [b\n  - }#' }, 'a: [b\n  - }#'],
  ] as [string, string, Record<string, string>, unknown][])('inserts %s', (_, text, env, value) => {
    expect(parse(`${ALL}\nsettings: { catalog: { x: ${text} } }`, env).settings).toEqual({ catalog: { x: value } });
  });

  it('in a comment needs no variable', () => {
    expect(parse(`# \${NOT_SET}\n${ALL}`).services).toHaveLength(1);
  });

  it('drains with the notice of FLEDGE_DRAIN_NOTICE, whatever the file says', () => {
    const text = `${ALL}\ndrain: { notice: 5s }`;
    expect(parse(text, { FLEDGE_DRAIN_NOTICE: '0s' }).drain.noticeMs).toBe(0);
    expect(parse(text, { FLEDGE_DRAIN_NOTICE: '' }).drain.noticeMs).toBe(5_000);
    expect(messageOf(() => parse(text, { FLEDGE_DRAIN_NOTICE: 'soon' }))).toMatch(
      /^t\.yaml:2:8: the environment variable FLEDGE_DRAIN_NOTICE is 'soon', which is not a duration\./,
    );
  });

  it('trusts the proxies of FLEDGE_TRUSTED_PROXIES besides those of the file', () => {
    const text = `${ALL}\nhttp: { trustedProxies: 10.0.0.1 }`;
    expect(parse(text, { FLEDGE_TRUSTED_PROXIES: '127.0.0.0/8,::1' }).http.trustedProxies).toEqual([
      '10.0.0.1',
      '127.0.0.0/8',
      '::1',
    ]);
    expect(messageOf(() => parse(text, { FLEDGE_TRUSTED_PROXIES: 'envoy' }))).toMatch(
      /the environment variable FLEDGE_TRUSTED_PROXIES is 'envoy', which is not a list of addresses/,
    );
    for (const wrong of ['envoy', '10.0.0.0/33', '10.0.0', '::1/129', '10.0.0.1;10.0.0.2', '[10.0.0.1]'])
      expect(messageOf(() => parse(`${ALL}\nhttp: { trustedProxies: ${wrong} }`))).toMatch(
        /http\.trustedProxies is .*, which is not a list of addresses\. Write it as '10\.0\.0\.0\/8, 192\.0\.2\.1'/,
      );
  });

  it('fills in DATABASE_URL and NATS_URL when the file has none, and FLEDGE_PORT overrides the file', () => {
    expect(
      parse(`${ALL}\nhttp: { port: 8080 }`, {
        DATABASE_URL: 'postgres://h/d',
        NATS_URL: 'nats://n:1',
        FLEDGE_PORT: '0',
      }),
    ).toMatchObject({
      database: { url: 'postgres://h/d' },
      nats: { servers: ['nats://n:1'] },
      http: { port: 0 },
    });
    const adminPort = (FLEDGE_ADMIN_PORT?: string): unknown =>
      parse(`${ALL}\nhttp: { adminPort: 8081 }`, FLEDGE_ADMIN_PORT === undefined ? {} : { FLEDGE_ADMIN_PORT }).http
        .adminPort;
    expect([undefined, '', '0', '99', 'none'].map(adminPort)).toEqual([8_081, 8_081, 0, 99, undefined]);
  });
});

const FAULTS: readonly [what: string, text: string, expected: string][] = [
  ['an unknown key', `${ALL}\nhtpp: { port: 1 }`, "t.yaml:2:1: unknown key 'htpp'. Did you mean 'http'?"],
  [
    'an unknown key with none near',
    `${ALL}\nzebra: 1`,
    "t.yaml:2:1: unknown key 'zebra'. Known here: namespace, deployment, transport, nats, database, http, drain, calls, retention, production, services, trust, settings, secrets.",
  ],
  [
    'an unknown key within a section',
    `${ALL}\nhttp:\n  bodyMaximum: 1MiB\n  prot: 1`,
    "t.yaml:3:3: unknown key 'http.bodyMaximum'. Known here: port, host, adminPort, bodyMax, requestTimeout, trustedProxies, tls.\nt.yaml:4:3: unknown key 'http.prot'. Did you mean 'port'?",
  ],
  [
    'an unknown key of a service',
    'services: { shop: { modules: [identity, catalog, inventory, ordering], replica: 2 } }',
    "t.yaml:1:72: unknown key 'services.shop.replica'. Did you mean 'replicas'?",
  ],
  [
    'settings of an unknown module',
    `${ALL}\nsettings:\n  catalogue: { demo: true }`,
    "t.yaml:3:3: unknown key 'settings.catalogue'. Did you mean 'catalog'?",
  ],
  [
    'an unknown module',
    'services: { shop: { modules: [identity, catalog, inventry, inventory, ordering] } }',
    "t.yaml:1:50: unknown module 'inventry'. Did you mean 'inventory'?",
  ],
  [
    'an unknown module with none near',
    'services: { shop: { modules: [x, identity, catalog, inventory, ordering] } }',
    "t.yaml:1:31: unknown module 'x'. The application has: identity, catalog, inventory, ordering.",
  ],
  [
    'a module that is not named by a text',
    'services: { shop: { modules: [7, identity, catalog, inventory, ordering] } }',
    't.yaml:1:31: a module is 7. Write its name.',
  ],
  [
    'missing modules',
    'services:\n  shop: { modules: [identity, catalog] }',
    "t.yaml:1:1: no service hosts the module 'inventory'. Add it to the 'modules' of a service.\nt.yaml:1:1: no service hosts the module 'ordering'. Add it to the 'modules' of a service.",
  ],
  [
    'a module placed twice',
    'transport: nats\nservices:\n  a: { modules: [identity, catalog] }\n  b: { modules: [catalog, inventory, ordering] }',
    "t.yaml:4:18: the module 'catalog' is hosted by 'a' already. A module belongs to one service; for more copies of it, raise the replicas of that service.",
  ],
  [
    'the local transport across services',
    'transport: local\nservices:\n  a: { modules: [identity, catalog] }\n  b: { modules: [inventory, ordering] }',
    "t.yaml:1:1: the transport 'local' cannot join 2 services (a, b). Use 'transport: nats', or host all modules in one service.",
  ],
  [
    'several services without a transport',
    'services:\n  a: { modules: [identity, catalog] }\n  b: { modules: [inventory, ordering] }',
    "t.yaml:1:1: the transport 'local' cannot join 2 services (a, b). Use 'transport: nats', or host all modules in one service.",
  ],
  [
    'an unknown transport of several services',
    'transport: kafka\nservices:\n  a: { modules: [identity, catalog] }\n  b: { modules: [inventory, ordering] }',
    "t.yaml:1:12: transport is 'kafka'. It may be 'local' or 'nats'.",
  ],
  ['an unknown transport', `transport: nast\n${ALL}`, "t.yaml:1:12: transport is 'nast'. It may be 'local' or 'nats'."],
  [
    'no services',
    'transport: local',
    "t.yaml:1:1: no services: 'services' is missing or empty. Write, for example, services: { all: { modules: [identity, catalog, inventory, ordering] } }.",
  ],
  [
    'an empty map of services',
    'services: {}',
    "t.yaml:1:1: no services: 'services' is missing or empty. Write, for example, services: { all: { modules: [identity, catalog, inventory, ordering] } }.",
  ],
  [
    'an empty file',
    '',
    "t.yaml: no services: 'services' is missing or empty. Write, for example, services: { all: { modules: [identity, catalog, inventory, ordering] } }.",
  ],
  [
    'a service without modules',
    `transport: nats\nservices:\n  shop: { modules: [identity, catalog, inventory, ordering] }\n  idle:`,
    "t.yaml:4:3: the service 'idle' hosts no modules. Name some, as in modules: [identity], or remove the service.",
  ],
  [
    'modules that are no list',
    'services: { shop: { modules: identity } }',
    [
      "t.yaml:1:1: no service hosts the module 'identity'. Add it to the 'modules' of a service.",
      "t.yaml:1:1: no service hosts the module 'catalog'. Add it to the 'modules' of a service.",
      "t.yaml:1:1: no service hosts the module 'inventory'. Add it to the 'modules' of a service.",
      "t.yaml:1:1: no service hosts the module 'ordering'. Add it to the 'modules' of a service.",
      "t.yaml:1:13: the service 'shop' hosts no modules. Name some, as in modules: [identity], or remove the service.",
      "t.yaml:1:30: services.shop.modules is 'identity'. It must be a list, as in [catalog, inventory].",
    ].join('\n'),
  ],
  [
    'a bad name of a service',
    'services: { Shop_1: { modules: [identity, catalog, inventory, ordering] } }',
    "t.yaml:1:13: the name of a service is 'Shop_1', which cannot be a name. Use at most 40 lower-case letters, digits and hyphens, starting with a letter.",
  ],
  [
    'too many replicas',
    'services: { shop: { modules: [identity, catalog, inventory, ordering], replicas: 51 } }',
    't.yaml:1:82: services.shop.replicas is 51. It may be a whole number from 1 to 50.',
  ],
  [
    'no replicas',
    'services: { shop: { modules: [identity, catalog, inventory, ordering], replicas: 0 } }',
    't.yaml:1:82: services.shop.replicas is 0. It may be a whole number from 1 to 50.',
  ],
  [
    'a bad namespace',
    `namespace: a.b\n${ALL}`,
    "t.yaml:1:12: namespace is 'a.b', which cannot be a name. Use at most 40 lower-case letters, digits and hyphens, starting with a letter.",
  ],
  [
    'a duration without a unit',
    `${ALL}\ndrain: { timeout: 10 }`,
    "t.yaml:2:19: drain.timeout is 10 without a unit. Write it with its unit (ms, s, m, h, d), as in '250ms', '10s' or '5m'.",
  ],
  [
    'a bad duration',
    `${ALL}\nhttp: { requestTimeout: soon }`,
    "t.yaml:2:25: http.requestTimeout is 'soon', which is not a duration. Write it with its unit (ms, s, m, h, d), as in '250ms', '10s' or '5m'.",
  ],
  [
    'a network that is none',
    `${ALL}\nhttp: { trustedProxies: 10.0.0.0/33 }`,
    "t.yaml:2:25: http.trustedProxies is '10.0.0.0/33', which is not a list of addresses. Write it as '10.0.0.0/8, 192.0.2.1', addresses and networks separated by commas.",
  ],
  [
    'a duration below its bound',
    `${ALL}\nhttp: { requestTimeout: 9ms }`,
    "t.yaml:2:25: http.requestTimeout is '9ms'. It may be 10ms to 10m.",
  ],
  [
    'handled messages that are forgotten before sent ones',
    `${ALL}\nretention: { handled: 1h }`,
    't.yaml:2:14: handled messages are kept for a shorter time than sent ones, which can be delivered again. Make `handled` as long as `sent` or longer.',
  ],
  [
    'handled messages that are forgotten before the broker forgets them',
    `${ALL}\ntransport: nats\nnats: { maxAge: 8d }\nretention: { handled: 7d }`,
    't.yaml:4:14: handled messages are kept for a shorter time than the broker keeps them, which can deliver them again. Make `handled` as long as `nats.maxAge` or longer.',
  ],
  [
    'a duration beyond its bound',
    `${ALL}\ndrain: { notice: 61s }`,
    "t.yaml:2:18: drain.notice is '61s'. It may be 0s to 1m.",
  ],
  [
    'a bad size',
    `${ALL}\nhttp: { bodyMax: 256KB }`,
    "t.yaml:2:18: http.bodyMax is '256KB', which is not a size. Write it with its unit (B, KiB, MiB, GiB), as in '512B', '256KiB' or '1MiB'.",
  ],
  [
    'a size beyond its bound',
    `${ALL}\nhttp: { bodyMax: 1GiB }`,
    "t.yaml:2:18: http.bodyMax is '1GiB'. It may be 1KiB to 64MiB.",
  ],
  [
    'a port out of range',
    `${ALL}\nhttp: { port: 65536 }`,
    't.yaml:2:15: http.port is 65536. It may be a whole number from 0 to 65535.',
  ],
  [
    'a port that is no number',
    `${ALL}\nhttp: { port: "80" }`,
    "t.yaml:2:15: http.port is '80'. It may be a whole number from 0 to 65535.",
  ],
  [
    'a bad address',
    `${ALL}\nhttp: { host: "a b" }`,
    "t.yaml:2:15: http.host is 'a b', which is not an address. Write an IP address or a host name, as in '0.0.0.0'.",
  ],
  [
    'a bad database URL, without its password',
    `${ALL}\ndatabase: { url: mysql://root:secret@h/d }`,
    "t.yaml:2:18: database.url is not a PostgreSQL URL. Write it as 'postgres://user:password@host:5432/database', or leave it empty for the embedded PostgreSQL.",
  ],
  [
    'a pool beyond its bound',
    `${ALL}\ndatabase: { poolMax: 101 }`,
    't.yaml:2:22: database.poolMax is 101. It may be a whole number from 1 to 100.',
  ],
  [
    'a bad NATS URL',
    `${ALL}\nnats: { url: "http://h:4222" }`,
    "t.yaml:2:14: nats.url is not a NATS URL. Write it as 'nats://host:4222', several separated by commas.",
  ],
  [
    'a seed that is none, without it',
    `${ALL}\nnats: { seed: SECRET }`,
    "t.yaml:2:15: nats.seed is not the seed of an nkey. Give it a text that begins with 'SU', of 58 characters, as 'fledge nats keys' makes it.",
  ],
  [
    'a client that calls no module',
    `${ALL}\nnats: { clients: { reporting: [catalog, stock] } }`,
    "t.yaml:2:31: nats.clients.reporting has 'stock', which is no module. It may have: identity, catalog, inventory, ordering.",
  ],
  [
    'a client with the name of a module',
    `${ALL}\nnats: { clients: { catalog: [identity] } }`,
    't.yaml:2:20: nats.clients.catalog has the name of a module. Give the client a name of its own.',
  ],
  [
    'a client with the name of a service',
    `${ALL}\nnats: { clients: { shop: [identity] } }`,
    't.yaml:2:20: nats.clients.shop has the name of a service. Give the client a name of its own.',
  ],
  [
    'a provisioned that is no flag',
    `${ALL}\nnats: { provisioned: perhaps }`,
    "t.yaml:2:22: nats.provisioned is 'perhaps'. It may be true or false.",
  ],
  ['a section that is no map', `${ALL}\nhttp: 3000`, 't.yaml:2:7: http is 3000. It must be a map: keys with values.'],
  [
    'a file that is no map',
    '- a\n- b',
    "t.yaml:1:1: the file is a list. It must be a map: keys with values.\nt.yaml:1:1: no services: 'services' is missing or empty. Write, for example, services: { all: { modules: [identity, catalog, inventory, ordering] } }.",
  ],
  [
    'an unset variable',
    `${ALL}\nnamespace: \${COLOUR}`,
    't.yaml:2:12: the environment variable COLOUR is not set. Set it, or give a default: ${COLOUR:-…}.',
  ],
  [
    'a malformed substitution',
    `${ALL}\nsettings: { catalog: { x: a-\${A-b} } }`,
    "t.yaml:2:29: '${A-b}' is not a substitution. Write ${NAME} or ${NAME:-default}.",
  ],
  [
    'a substitution that is not closed',
    `${ALL}\nsettings:\n  catalog:\n    x: \${A`,
    "t.yaml:4:8: '${' opens a substitution that is not closed on its line. Write ${NAME} or ${NAME:-default}.",
  ],
  [
    'a key twice',
    `transport: local\ntransport: local\n${ALL}`,
    't.yaml:2:1: this is not valid YAML: map keys must be unique. Correct the indentation, quotes or brackets here.',
  ],
  [
    'a bracket that is not closed',
    'services: { shop: ',
    't.yaml:1:19: this is not valid YAML: flow map in block collection must be sufficiently indented and end with a }. Correct the indentation, quotes or brackets here.',
  ],
  [
    'two documents in one file',
    `${ALL}\n---\n${ALL}`,
    't.yaml:2:1: this is not valid YAML: a second document begins. Keep one document: remove this line and what follows.',
  ],
  [
    'an alias of nothing',
    `${ALL}\nsettings: { catalog: { x: *nope } }`,
    "t.yaml:2:27: the alias '*nope' refers to nothing: no value before it has the anchor '&nope'. Add the anchor, or write the value itself.",
  ],
  [
    'an alias within what it stands for',
    `${ALL}\nsettings: { catalog: &all { x: *all } }`,
    "t.yaml:2:32: the alias '*all' is inside the value that it refers to. Write the value itself.",
  ],
  [
    'aliases of aliases that grow without bound',
    `${ALL}\nsettings:\n  catalog:\n    a: &a [x,x,x,x,x,x,x,x,x]\n    b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n    c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n    d: [*c,*c,*c,*c,*c,*c,*c,*c,*c]`,
    't.yaml:7:8: its aliases expand to too many values. Write the values themselves.',
  ],
];

describe('a faulty topology file', () => {
  it.each(FAULTS)('is reported: %s', (_, text, expected) => {
    expect(messageOf(() => parse(text))).toBe(expected);
  });

  it('is reported when a value of the environment is bad', () => {
    expect(messageOf(() => parse(ALL, { NATS_URL: 'h:4222', FLEDGE_PORT: 'x' }))).toBe(
      "t.yaml: the environment variable NATS_URL is not a NATS URL. Write it as 'nats://host:4222', several separated by commas.\n" +
        "t.yaml: the environment variable FLEDGE_PORT is 'x'. It may be a whole number from 0 to 65535.",
    );
  });

  it('is reported with all of its faults at once, in the order of the file', () => {
    const text =
      'transport: locla\nhttp: { port: -1 }\nservices:\n  a: { modules: [identity, catalgo] }\ndrain: { tiemout: 1s }';
    expect(
      messageOf(() => parse(text))
        .split('\n')
        .map((line) => line.split(': ')[0]),
    ).toEqual(['t.yaml:1:12', 't.yaml:2:15', 't.yaml:3:1', 't.yaml:3:1', 't.yaml:3:1', 't.yaml:4:28', 't.yaml:5:10']);
  });

  it('is refused as a StartupError with each problem in its data', () => {
    const error = new TopologyError('f.yaml', [{ line: 1, column: 2, fact: 'f', cure: 'c' }]);
    expect(error).toMatchObject({
      code: 'fledge.startup.topology',
      outcome: 'not-run',
      data: { file: 'f.yaml', problems: [{ line: 1, column: 2 }] },
    });
  });
});

describe('a file that cannot be read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fledge-topology-'));

  it('is reported when it is missing, a folder, or far too long', () => {
    const missing = join(folder, 'none.yaml');
    expect(messageOf(() => loadTopology(missing, { modules: MODULES, env: {} }))).toBe(
      `${missing}: there is no such file. Name a file that exists; config/ holds the usual ones.`,
    );
    expect(messageOf(() => loadTopology(folder, { modules: MODULES, env: {} }))).toBe(
      `${folder}: this is a folder. Name a YAML file in it.`,
    );
    const long = join(folder, 'long.yaml');
    writeFileSync(long, `#${' '.repeat(256 * 1024)}`);
    expect(messageOf(() => loadTopology(long, { modules: MODULES, env: {} }))).toBe(
      `${long}: the file has 262145 bytes. A topology has 262144 at most.`,
    );
  });
});

describe('the service name', () => {
  const split = parse(
    'transport: nats\nservices: { front: { modules: [identity, catalog] }, back: { modules: [inventory, ordering] } }',
  );

  it('may be omitted when there is only one service', () => {
    expect(serviceNamed(parse(ALL)).name).toBe('shop');
    expect(serviceNamed(split, 'back').modules).toEqual(['inventory', 'ordering']);
  });

  it('is rejected with a suggestion', () => {
    expect(() => serviceNamed(split)).toThrow(
      expect.objectContaining({
        message: 't.yaml has 2 services, but none was named',
        hint: 'Name one with --service: front, back.',
      }) as Error,
    );
    expect(() => serviceNamed(split, 'bakc')).toThrow(
      expect.objectContaining({ message: "t.yaml has no service 'bakc'", hint: "Did you mean 'back'?" }) as Error,
    );
  });
});

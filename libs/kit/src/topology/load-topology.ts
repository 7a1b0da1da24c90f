import { readFileSync } from 'node:fs';
import {
  BODY_MAX_DEFAULT_BYTES,
  POOL_MAX_DEFAULT,
  POOL_MAX_LIMIT,
  REQUEST_TIMEOUT_DEFAULT_MS,
} from '../contract/index.js';
import { readCalls } from './call-settings.js';
import { readSecrets, secretSource } from './secrets.js';
import { assignServices } from './service-assignment.js';
import { Section } from './section.js';
import { TopologyError } from './topology-error.js';
import type { KnownTransport, Place, SecretSource, Topology } from './topology.js';
import {
  count,
  duration,
  filePath,
  flag,
  host,
  listOf,
  name,
  natsSeed,
  natsServers,
  networks,
  oneOf,
  optionalName,
  postgresUrl,
  shown,
  type ValueReader,
  size,
} from './values.js';
import { readTrust } from './trust-settings.js';
import { readClientTls, readServerTls } from './tls-section.js';
import { withDatabaseTls } from '../tls/index.js';
import { type Environment, YamlSource } from './yaml-source.js';

const FILE_MAX_BYTES = 256 * 1024;

/** What a topology file is checked against. */
export interface LoadOptions {
  /** The names of all modules of the application: each must be in exactly one service. */
  readonly modules: readonly string[];
  /** Transports besides `local` and `nats`. Default: none. */
  readonly transports?: readonly KnownTransport[];
  /** For `${NAME}`. Default: `process.env`. */
  readonly env?: Environment;
}

/**
 * Reads and checks a topology file. Starts and connects nothing, and collects all problems before it throws.
 * @throws TopologyError with a line for every problem: file, line, column, fact, fix.
 */
export function loadTopology(file: string, options: LoadOptions): Topology {
  return parseTopology(file, readText(file), options);
}

/** Like `loadTopology`, but for a given text; `file` is for the error messages. */
export function parseTopology(
  file: string,
  text: string,
  { modules, transports = [], env = process.env }: LoadOptions,
): Topology {
  const source = new YamlSource(text, env);
  const topology =
    source.root === null && source.problems.length > 0
      ? undefined
      : readTopology(file, source, { modules, transports, env });
  if (topology === undefined || source.problems.length > 0) {
    throw new TopologyError(
      file,
      source.problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
    );
  }
  return topology;
}

/** What comes with the kit. */
const OWN_TRANSPORTS: readonly KnownTransport[] = [
  { name: 'local', joinsServices: false },
  { name: 'nats', joinsServices: true },
];

function readTopology(
  file: string,
  source: YamlSource,
  { modules, transports: others, env }: Required<LoadOptions>,
): Topology {
  const root = new Section(source, '', source.root ?? undefined);
  const namespace = root.read('namespace', name, 'fledge');
  const deployment = root.read<string | undefined>('deployment', optionalName, undefined);
  const known = [...OWN_TRANSPORTS, ...others];
  const transport = root.read('transport', oneOf(known.map((one) => one.name)), 'local');
  const places = new Map<string, Place>();
  const sections = {
    nats: readNats(root.section('nats'), modules, env),
    database: readDatabase(source, root.section('database'), modules, env, places),
    http: readHttp(root.section('http'), env),
    drain: readDrain(root.section('drain'), env),
    calls: readCalls(root.section('calls'), modules),
    retention: readRetention(root.section('retention')),
    production: readProduction(source, root.section('production')),
  };
  if (transport === 'nats') refuseForgetful(root.section('retention'), sections);
  const services = assignServices(source, root, known, transport, modules);
  const trust = readTrust(root.section('trust'), services, modules, env);
  for (const { name: service } of services)
    if (Object.hasOwn(sections.nats.clients, service))
      root
        .section('nats')
        .section('clients')
        .add(service, `nats.clients.${service} has the name of a service`, 'Give the client a name of its own');
  const transports = readMaps(
    source,
    root,
    others.map(({ name }) => name),
    '',
    places,
  );
  const settings = readModuleSettings(source, root.section('settings'), modules, places);
  const secrets = readSecrets(source, root.section('secrets'), modules, places);
  refuseBoth(root.section('secrets'), settings, secrets);
  root.refuseUnknownKeys();
  return {
    file,
    namespace,
    deployment,
    transport,
    transports,
    ...sections,
    trust,
    services,
    settings,
    secrets,
    places,
  };
}

function readNats(section: Section, modules: readonly string[], env: Environment): Topology['nats'] {
  const servers = section.read('url', natsServers, []);
  const limits = {
    maxAgeMs: section.read('maxAge', duration('1m', '365d'), 3 * 86_400_000),
    duplicateWindowMs: section.read('duplicateWindow', duration('100ms', '1h'), 120_000),
    replicas: section.read<number | undefined>('replicas', count(1, 5), undefined),
    tls: readClientTls(section, { ca: env.NATS_CA, cert: env.NATS_CERT, key: env.NATS_KEY }),
    maxBytes: section.read<number | undefined>('maxBytes', size('1MiB', '1000000GiB'), undefined),
    maxMessageBytes: section.read<number | undefined>('maxMessage', size('64KiB', '64MiB'), undefined),
    seed: section.read('seed', natsSeed, undefined),
    seedFile: section.read('seedFile', filePath, undefined),
    clients: readClients(section.section('clients'), modules),
    isProvisioned: section.read('provisioned', flag, false),
  };
  section.refuseUnknownKeys();
  return {
    servers: servers.length > 0 ? servers : fromEnvironment(section, 'NATS_URL', natsServers, env, []),
    ...limits,
  };
}

/** Clients that are no modules: their names must not be mistaken for those of modules. */
function readClients(section: Section, modules: readonly string[]): Topology['nats']['clients'] {
  const clients: [string, readonly string[]][] = [];
  for (const { key } of section.entries) {
    const called = section.read(key, listOf(modules, 'module'), []);
    const named = name(key, `nats.clients.${key}`);
    if ('fact' in named) section.add(key, named.fact, named.cure);
    else if (modules.includes(key))
      section.add(key, `nats.clients.${key} has the name of a module`, 'Give the client a name of its own');
    else clients.push([key, called]);
  }
  return Object.fromEntries(clients);
}

function readDatabase(
  source: YamlSource,
  section: Section,
  modules: readonly string[],
  env: Environment,
  places: Map<string, Place>,
): Topology['database'] {
  const url = section.read('url', postgresUrl, undefined);
  const poolMax = section.read('poolMax', count(1, POOL_MAX_LIMIT), POOL_MAX_DEFAULT);
  const tls = readClientTls(section);
  const words = oneOf(['own', 'shared']);
  const given = section.read<'own' | 'shared' | undefined>('logins', words, undefined);
  const logins =
    given ??
    (env.FLEDGE_DATABASE_LOGINS ? fromEnvironment(section, 'FLEDGE_DATABASE_LOGINS', words, env, 'shared') : undefined);
  const urls = section.section('modules');
  const own: Record<string, string | SecretSource> = {};
  for (const module of modules) {
    const read = urls.read<string | SecretSource | undefined>(module, urlOrSource, undefined);
    if (read !== undefined) own[module] = read;
  }
  for (const { key, keyNode } of urls.entries) places.set(`database.modules.${key}`, source.placeOf(keyNode));
  urls.refuseUnknownKeys();
  section.refuseUnknownKeys();
  const plain = url ?? fromEnvironment(section, 'DATABASE_URL', postgresUrl, env, undefined);
  return {
    url: plain !== undefined && tls ? withDatabaseTls(plain, tls) : plain,
    modules: own,
    logins,
    poolMax,
    tls,
  };
}

const urlOrSource: ValueReader<string | SecretSource | undefined> = (value, key) =>
  typeof value === 'object' && value !== null ? secretSource(value, key) : postgresUrl(value, key);

function readProduction(source: YamlSource, section: Section): Topology['production'] {
  const said = source.valueOf(section.entries.find(({ key }) => key === 'allow')?.valueNode);
  // one text with commas, so that it can come from a variable
  const names =
    typeof said === 'string' || said === null
      ? section.read<readonly string[]>('allow', words, []).map((value) => ({ node: undefined, value }))
      : section.list('allow');
  const allow = names.flatMap(({ node, value }) => {
    if (typeof value === 'string' && /^[a-z][a-z0-9-]*$/.test(value)) return [value];
    source.add(node, `production.allow has ${shown(value)}`, 'Name findings, as in [plain-nats, plain-postgres]');
    return [];
  });
  section.refuseUnknownKeys();
  return { allow };
}

const words: ValueReader<readonly string[]> = (value) => ({
  value: typeof value === 'string' ? value.split(/[\s,]+/).filter(Boolean) : [],
});

/** A setting that is a secret, too, would have two values. */
function refuseBoth(section: Section, settings: Topology['settings'], secrets: Topology['secrets']): void {
  for (const [module, own] of Object.entries(secrets))
    for (const key of Object.keys(own))
      if (Object.hasOwn(settings[module] ?? {}, key))
        section.add(module, `${key} of ${module} is in \`settings\` and in \`secrets\``, 'Remove one of them');
}

function readHttp(section: Section, env: Environment): Topology['http'] {
  const http = {
    port: section.read('port', count(0, 65_535), 3000),
    host: section.read('host', host, '127.0.0.1'),
    adminPort: section.read<number | undefined>('adminPort', count(0, 65_535), undefined),
    bodyMaxBytes: section.read('bodyMax', size('1KiB', '64MiB'), BODY_MAX_DEFAULT_BYTES),
    requestTimeoutMs: section.read('requestTimeout', duration('10ms', '10m'), REQUEST_TIMEOUT_DEFAULT_MS),
    trustedProxies: [
      ...section.read('trustedProxies', networks, []),
      ...fromEnvironment(section, 'FLEDGE_TRUSTED_PROXIES', networks, env, []),
    ],
    tls: readServerTls(section, { cert: env.FLEDGE_HTTP_CERT, key: env.FLEDGE_HTTP_KEY }),
  };
  section.refuseUnknownKeys();
  const given = (variable: string, fallback: number): number =>
    env[variable] ? fromEnvironment(section, variable, portText, env, fallback) : fallback;
  const { FLEDGE_ADMIN_PORT: admin } = env;
  return {
    ...http,
    port: given('FLEDGE_PORT', http.port),
    adminPort: !admin ? http.adminPort : admin === 'none' ? undefined : given('FLEDGE_ADMIN_PORT', 0),
  };
}

const portText: ValueReader<number> = (text, key) =>
  count(0, 65_535)(/^[0-9]+$/.test(String(text)) ? Number(text) : text, key);

function readDrain(section: Section, env: Environment): Topology['drain'] {
  const notice = duration('0s', '1m');
  const noticeMs = section.read('notice', notice, 1_000);
  const drain = {
    noticeMs: env.FLEDGE_DRAIN_NOTICE
      ? fromEnvironment(section, 'FLEDGE_DRAIN_NOTICE', notice, env, noticeMs)
      : noticeMs,
    timeoutMs: section.read('timeout', duration('100ms', '10m'), 10_000),
  };
  section.refuseUnknownKeys();
  return drain;
}

function readRetention(section: Section): Topology['retention'] {
  const kept = (key: string, days: number): number => section.read(key, duration('1m', '365d'), days * 86_400_000);
  const retention = {
    sentMs: kept('sent', 3),
    handledMs: kept('handled', 7),
    deadLettersMs: kept('deadLetters', 90),
    processesMs: kept('processes', 30),
  };
  if (retention.handledMs < retention.sentMs)
    section.add(
      'handled',
      'handled messages are kept for a shorter time than sent ones, which can be delivered again',
      'Make `handled` as long as `sent` or longer',
    );
  section.refuseUnknownKeys();
  return retention;
}

/**
 * A stream that has lost its newest messages is read from the beginning again, so handled messages must be remembered
 * long enough.
 */
function refuseForgetful(section: Section, { nats, retention }: Pick<Topology, 'nats' | 'retention'>): void {
  if (retention.handledMs >= retention.sentMs && retention.handledMs < nats.maxAgeMs)
    section.add(
      'handled',
      'handled messages are kept for a shorter time than the broker keeps them, which can deliver them again',
      'Make `handled` as long as `nats.maxAge` or longer',
    );
}

function fromEnvironment<T>(
  section: Section,
  variable: string,
  reader: ValueReader<T>,
  env: Environment,
  fallback: T,
): T {
  const read = reader(env[variable] ?? '', `the environment variable ${variable}`);
  if ('value' in read) return read.value;
  section.add('', read.fact, read.cure);
  return fallback;
}

function readModuleSettings(
  source: YamlSource,
  section: Section,
  modules: readonly string[],
  places: Map<string, Place>,
): Topology['settings'] {
  const settings = readMaps(source, section, modules, 'settings.', places);
  section.refuseUnknownKeys();
  return settings;
}

/**
 * Returns maps of a section that other code checks, unchanged; records the position of each map and of each of its
 * keys.
 */
function readMaps(
  source: YamlSource,
  section: Section,
  keys: readonly string[],
  path: string,
  places: Map<string, Place>,
): Topology['settings'] {
  const maps: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const name of keys) {
    const { entries } = section.section(name);
    // not by assignment, which would set the prototype for the key `__proto__`
    const own = Object.fromEntries(entries.map(({ key, valueNode }) => [key, source.valueOf(valueNode)]));
    for (const { key, keyNode } of entries) places.set(`${path}${name}.${key}`, source.placeOf(keyNode));
    if (Object.keys(own).length > 0) maps[name] = own;
  }
  for (const { key, keyNode } of section.entries)
    if (keys.includes(key)) places.set(`${path}${key}`, source.placeOf(keyNode));
  return maps;
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length <= FILE_MAX_BYTES) return bytes.toString('utf8').replace(/^\uFEFF/, '');
    throw new TopologyError(file, [
      whole(`the file has ${bytes.length} bytes`, `A topology has ${FILE_MAX_BYTES} at most`),
    ]);
  } catch (error) {
    if (error instanceof TopologyError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new TopologyError(file, [
      whole(...(UNREADABLE[code ?? ''] ?? [`the file cannot be read: ${message}`, 'Make it readable'])),
    ]);
  }
}

const UNREADABLE: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['there is no such file', 'Name a file that exists; config/ holds the usual ones'],
  EACCES: ['the file may not be read by this account', 'Give this account the right to read it'],
  EISDIR: ['this is a folder', 'Name a YAML file in it'],
};

function whole(fact: string, cure: string): { line: number; column: number; fact: string; cure: string } {
  return { line: 0, column: 0, fact, cure };
}

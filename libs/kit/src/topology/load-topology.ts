import { readFileSync } from 'node:fs';
import {
  BODY_MAX_DEFAULT_BYTES,
  POOL_MAX_DEFAULT,
  POOL_MAX_LIMIT,
  REQUEST_TIMEOUT_DEFAULT_MS,
} from '../contract/index.js';
import { assignServices } from './service-assignment.js';
import { Section } from './section.js';
import { TopologyError } from './topology-error.js';
import type { KnownTransport, Place, Topology } from './topology.js';
import {
  count,
  duration,
  flag,
  host,
  listOf,
  name,
  natsSeed,
  natsServers,
  oneOf,
  path,
  postgresUrl,
  type ValueReader,
  size,
} from './values.js';
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
  const known = [...OWN_TRANSPORTS, ...others];
  const transport = root.read('transport', oneOf(known.map((one) => one.name)), 'local');
  const sections = {
    nats: readNats(root.section('nats'), modules, env),
    database: readDatabase(root.section('database'), env),
    http: readHttp(root.section('http'), env),
    drain: readDrain(root.section('drain'), env),
    retention: readRetention(root.section('retention')),
  };
  if (transport === 'nats') refuseForgetful(root.section('retention'), sections);
  const services = assignServices(source, root, known, transport, modules);
  for (const { name: service } of services)
    if (Object.hasOwn(sections.nats.clients, service))
      root
        .section('nats')
        .section('clients')
        .add(service, `nats.clients.${service} has the name of a service`, 'Give the client a name of its own');
  const places = new Map<string, Place>();
  const transports = readMaps(
    source,
    root,
    others.map(({ name }) => name),
    '',
    places,
  );
  const settings = readModuleSettings(source, root.section('settings'), modules, places);
  root.refuseUnknownKeys();
  return { file, namespace, transport, transports, ...sections, services, settings, places };
}

function readNats(section: Section, modules: readonly string[], env: Environment): Topology['nats'] {
  const servers = section.read('url', natsServers, []);
  const limits = {
    maxAgeMs: section.read('maxAge', duration('1m', '365d'), 3 * 86_400_000),
    duplicateWindowMs: section.read('duplicateWindow', duration('100ms', '1h'), 120_000),
    replicas: section.read<number | undefined>('replicas', count(1, 5), undefined),
    maxBytes: section.read<number | undefined>('maxBytes', size('1MiB', '1000000GiB'), undefined),
    maxMessageBytes: section.read<number | undefined>('maxMessage', size('64KiB', '64MiB'), undefined),
    seed: section.read('seed', natsSeed, undefined),
    seedFile: section.read('seedFile', path, undefined),
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

function readDatabase(section: Section, env: Environment): Topology['database'] {
  const url = section.read('url', postgresUrl, undefined);
  const poolMax = section.read('poolMax', count(1, POOL_MAX_LIMIT), POOL_MAX_DEFAULT);
  section.refuseUnknownKeys();
  return { url: url ?? fromEnvironment(section, 'DATABASE_URL', postgresUrl, env, undefined), poolMax };
}

function readHttp(section: Section, env: Environment): Topology['http'] {
  const http = {
    port: section.read('port', count(0, 65_535), 3000),
    host: section.read('host', host, '127.0.0.1'),
    bodyMaxBytes: section.read('bodyMax', size('1KiB', '64MiB'), BODY_MAX_DEFAULT_BYTES),
    requestTimeoutMs: section.read('requestTimeout', duration('10ms', '10m'), REQUEST_TIMEOUT_DEFAULT_MS),
  };
  section.refuseUnknownKeys();
  const port = env.FLEDGE_PORT;
  return port === undefined || port === ''
    ? http
    : {
        ...http,
        port: fromEnvironment(
          section,
          'FLEDGE_PORT',
          (text, key) => count(0, 65_535)(/^[0-9]+$/.test(String(text)) ? Number(text) : text, key),
          env,
          http.port,
        ),
      };
}

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

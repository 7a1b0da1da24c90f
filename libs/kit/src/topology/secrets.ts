import { readFileSync } from 'node:fs';
import { withDatabaseTls } from '../tls/index.js';
import type { Section } from './section.js';
import { TopologyError, type TopologyProblem } from './topology-error.js';
import type { Place, SecretSource, Topology } from './topology.js';
import { type ValueReader, shown } from './values.js';
import type { Environment, YamlSource } from './yaml-source.js';

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NOWHERE: Place = { line: 0, column: 0 };

/** Where a secret is: `{ env: NAME }` or `{ file: path }`. The secret itself never stands in a topology file. */
export const secretSource: ValueReader<SecretSource> = (value, key) => {
  const [entry, ...rest] = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const [kind, name] = entry ?? [];
  if (rest.length === 0 && kind === 'env' && typeof name === 'string' && VARIABLE.test(name))
    return { value: { env: name } };
  if (rest.length === 0 && kind === 'file' && typeof name === 'string' && name !== '') return { value: { file: name } };
  return {
    // a secret that stands here by mistake is not repeated
    fact: `${key} is ${typeof value === 'string' && value !== '' ? 'a text' : shown(value)}`,
    cure: 'Say where the secret is: { env: NAME } or { file: /path/of/a/file }',
  };
};

/** The sources under `secrets.<module>`; records their positions. */
export function readSecrets(
  source: YamlSource,
  section: Section,
  modules: readonly string[],
  places: Map<string, Place>,
): Topology['secrets'] {
  const secrets: Record<string, Readonly<Record<string, SecretSource>>> = {};
  for (const module of modules) {
    const own = section.section(module);
    const sources = own.entries.flatMap(({ key, keyNode }): [string, SecretSource][] => {
      places.set(`secrets.${module}.${key}`, source.placeOf(keyNode));
      const read = own.read<SecretSource | undefined>(key, secretSource, undefined);
      return read ? [[key, read]] : [];
    });
    if (sources.length > 0) secrets[module] = Object.fromEntries(sources);
  }
  section.refuseUnknownKeys();
  return secrets;
}

/**
 * The settings of modules with their secrets put in. Only for the modules that a process hosts: it needs the secrets of
 * no other. A variable that is not set leaves its setting out, as an empty one under `settings` does: the module's class
 * has a default, or refuses.
 * @throws TopologyError for each file that has no secret.
 */
export function settingsWithSecrets(
  topology: Topology,
  modules: readonly string[],
  env: Environment = process.env,
): Topology['settings'] {
  const reader = new SecretReader(topology, env);
  const settings = reader.settings(modules);
  reader.complain();
  return settings;
}

/**
 * The database URLs of those modules that have one of their own. Only for the modules whose databases a process uses.
 * @throws TopologyError for each URL that is not there.
 */
export function databaseUrlsOf(
  topology: Topology,
  modules: readonly string[],
  env: Environment = process.env,
): Readonly<Record<string, string>> {
  const reader = new SecretReader(topology, env);
  const urls = reader.databaseUrls(modules);
  reader.complain();
  return urls;
}

/**
 * Both, for a process that runs the modules, so that one error has all that is missing.
 * @throws TopologyError as `settingsWithSecrets` and `databaseUrlsOf` do.
 */
export function resolveSecrets(
  topology: Topology,
  modules: readonly string[],
  env: Environment = process.env,
): { readonly settings: Topology['settings']; readonly databaseUrls: Readonly<Record<string, string>> } {
  const reader = new SecretReader(topology, env);
  const resolved = { settings: reader.settings(modules), databaseUrls: reader.databaseUrls(modules) };
  reader.complain();
  return resolved;
}

/** Reads secrets, and collects what is missing. */
class SecretReader {
  private readonly problems: TopologyProblem[] = [];

  constructor(
    private readonly topology: Topology,
    private readonly env: Environment,
  ) {}

  settings(modules: readonly string[]): Topology['settings'] {
    const { settings, secrets } = this.topology;
    const whole: Record<string, Readonly<Record<string, unknown>>> = { ...settings };
    for (const module of modules) {
      const own = Object.entries(secrets[module] ?? {});
      if (own.length > 0)
        whole[module] = {
          ...settings[module],
          ...Object.fromEntries(
            own
              .filter(([, source]) => 'file' in source || this.env[source.env])
              .map(([key, source]) => [key, this.valueOf(source, `secrets.${module}.${key}`)]),
          ),
        };
    }
    return whole;
  }

  databaseUrls(modules: readonly string[]): Readonly<Record<string, string>> {
    const { database } = this.topology;
    const urls: Record<string, string> = {};
    for (const module of modules) {
      const source = database.modules[module];
      if (source === undefined) continue;
      const url = typeof source === 'string' ? source : this.valueOf(source, `database.modules.${module}`);
      urls[module] = url !== '' && database.tls ? withDatabaseTls(url, database.tls) : url;
    }
    return urls;
  }

  /** @throws TopologyError with all that was missing. */
  complain(): void {
    const { problems, topology } = this;
    if (problems.length > 0) throw new TopologyError(topology.file, problems);
  }

  private valueOf(source: SecretSource, path: string): string {
    const value = 'env' in source ? this.env[source.env] : contentOf(source.file);
    if (value !== undefined && value !== '') return value;
    this.problems.push({
      ...(this.topology.places.get(path) ?? NOWHERE),
      fact:
        'env' in source
          ? `${path}: the environment variable ${source.env} is not set`
          : `${path}: the file ${source.file} is empty or cannot be read`,
      cure: 'Give this process the secret, which no other needs',
    });
    return '';
  }
}

/** The environment variables that hold secrets of modules which are not among `modules`. */
export function foreignSecrets({ secrets, database }: Topology, modules: readonly string[]): readonly string[] {
  const variables = (isOwn: boolean): string[] =>
    [
      ...Object.entries(secrets).map(([module, own]) => [module, Object.values(own)] as const),
      ...Object.entries(database.modules).map(([module, url]) => [module, [url]] as const),
    ]
      .filter(([module]) => modules.includes(module) === isOwn)
      .flatMap(([, sources]) =>
        sources.flatMap((source) => (typeof source === 'object' && 'env' in source ? [source.env] : [])),
      );
  const own = new Set(variables(true));
  return [...new Set(variables(false))].filter((name) => !own.has(name));
}

function contentOf(file: string): string | undefined {
  try {
    // editors end a file with a line break, which is no part of the secret
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch {
    // the caller reports it, with the place in the topology
    return undefined;
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Application, knownTo } from '../host/index.js';
import {
  DEFAULT_TOPOLOGY,
  findNamedTopology,
  isTopologyPath,
  type LoadOptions,
  loadTopology,
  namedTopologyFile,
  parseTopology,
  type Topology,
  TopologyError,
} from '../topology/index.js';

/** The variable that names the topology of a run of tests. */
export const TOPOLOGY_VARIABLE = 'FLEDGE_TEST_TOPOLOGY';
/** The name of a topology that is not a file, for errors. */
const OF_TEST = 'the topology of the test';

/** What a topology file says, as an object: `{ transport: 'nats', services: { stock: { modules: ['stock'] }, … } }`. */
export interface TopologyContent {
  /** Default `local`, which supports only one service. */
  readonly transport?: string;
  readonly services: Readonly<Record<string, { readonly modules: readonly string[] }>>;
  /** By module. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Any other key of a topology file. */
  readonly [key: string]: unknown;
}

/**
 * The topology of a test: of a file, of the file of a name, or of an object; without any, that of
 * `FLEDGE_TEST_TOPOLOGY`, else `config/monolith.yaml`, else all modules in one process.
 * @throws TopologyError for what cannot be used; StartupError for a name without a file.
 */
export function testTopology(
  application: Application,
  given: string | TopologyContent | Topology | undefined,
): Topology {
  // these two are the test's; a file may require them
  const env = { ...process.env, DATABASE_URL: 'postgres://test.invalid/test', NATS_URL: 'nats://test.invalid:4222' };
  const options = { ...knownTo(application), env };
  if (typeof given === 'object') return isRead(given) ? given : contentOf(given, options);
  const name = given ?? (process.env[TOPOLOGY_VARIABLE] || undefined);
  if (name !== undefined) return loadTopology(fileOf(name), options);
  const usual = join(projectFolder(), namedTopologyFile(DEFAULT_TOPOLOGY));
  return existsSync(usual)
    ? loadTopology(usual, options)
    : contentOf({ services: { all: { modules: options.modules } } }, options);
}

function isRead(topology: TopologyContent | Topology): topology is Topology {
  return topology.places instanceof Map;
}

function contentOf(content: TopologyContent, options: LoadOptions): Topology {
  try {
    // JSON is YAML, too
    return parseTopology(OF_TEST, JSON.stringify(content), options);
  } catch (error) {
    if (!(error instanceof TopologyError)) throw error;
    // the test has no such lines
    throw new TopologyError(
      OF_TEST,
      error.problems.map((problem) => ({ ...problem, line: 0, column: 0 })),
    );
  }
}

/** As `fledge start` finds it: a path is used as it is, a name means `config/<name>.yaml` of the project. */
function fileOf(name: string): string {
  if (isTopologyPath(name)) return resolve(name);
  const root = projectFolder();
  return join(root, findNamedTopology(root, name, root));
}

/** The nearest folder, from here upward, whose package.json has a `fledge` section; else the one of the run. */
function projectFolder(): string {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (hasFledgeSection(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) return process.cwd();
  }
}

function hasFledgeSection(file: string): boolean {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { readonly fledge?: unknown }).fledge !== undefined;
  } catch {
    // there is no package.json, or none that can be read
    return false;
  }
}

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import {
  DEFAULT_TOPOLOGY,
  EXIT_CONFIG,
  findNamedTopology,
  isTopologyPath,
  type KnownTransport,
  loadTopology,
  StartupError,
  type Topology,
} from '@fledge/kit/operations';

const LIST_TIMEOUT_MS = 30_000;
const SOUND = 'Build again, and check that the application starts by itself.';

/** The project that a command works on: the nearest `package.json`, from here upward, with a `fledge` section. */
export interface Project {
  /** Its folder; absolute. */
  readonly root: string;
  /** The built entry file of its application; absolute. */
  readonly app: string;
  /** Lines to show after a start with demo data: who can log in. */
  readonly demo: readonly string[];
  /** What to compile when its sources change, relative to its folder. Default: `tsconfig.build.json`, `tsconfig.json`. */
  readonly tsconfig?: string;
}

/** What `package.json` says in its `fledge` section. */
interface Settings {
  readonly app?: string;
  readonly demo?: readonly string[];
  readonly tsconfig?: string;
}

/** A module, as listed by the application. */
export interface ModuleInfo {
  readonly name: string;
  /** The path prefixes it serves. */
  readonly routes: readonly string[];
}

/** Finds the project of a folder. @throws StartupError if there is none, or it is not built. */
export function findProject(from?: string): Project {
  const project = findSources(from);
  const { root, app } = project;
  if (!existsSync(app))
    throw new StartupError('not-built', `${relative(root, app)} is not there`, 'Build first: npm run build.', { app });
  return project;
}

/** Finds the project of a folder, built or not. @throws StartupError if there is none. */
export function findSources(from: string = process.cwd()): Project {
  for (let folder = from; ; folder = dirname(folder)) {
    const settings = settingsIn(join(folder, 'package.json'));
    if (settings?.app !== undefined) {
      const { tsconfig, demo = [] } = settings;
      return { root: folder, app: join(folder, settings.app), demo, ...(tsconfig !== undefined && { tsconfig }) };
    }
    if (dirname(folder) === folder)
      throw new StartupError(
        'project',
        `no package.json from ${from} upward has a "fledge" section`,
        'Run this in the folder of a project, and name its application there: "fledge": { "app": "dist/…/main.js" }.',
      );
  }
}

function settingsIn(file: string): Settings | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // no package.json in this folder, or none for us: look further up
    return undefined;
  }
  try {
    return (JSON.parse(text) as { fledge?: Settings }).fledge;
  } catch (error) {
    throw new StartupError('project', `${file} is not JSON: ${(error as Error).message}`, 'Correct it.');
  }
}

/** What an application reports about itself. */
interface Listing {
  readonly modules: readonly ModuleInfo[];
  /** Besides `local` and `nats`; an application with an older kit does not report them. */
  readonly transports?: readonly KnownTransport[];
}

/**
 * Asks the application for its modules and transports. @throws StartupError with the application's own last line if it
 * fails.
 */
async function listModules(project: Project): Promise<Listing> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [project.app, '--list-modules'], {
      cwd: project.root,
      timeout: LIST_TIMEOUT_MS,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Listing;
  } catch (error) {
    throw new StartupError(
      'list-modules',
      `${relative(project.root, project.app)} --list-modules failed: ${reasonOf(error as CommandFailure)}`,
      SOUND,
    );
  }
}

/**
 * The modules of the application, and the topology that assigns them to services. @throws TopologyError for every
 * problem except in the settings of modules.
 */
export async function readTopology(
  project: Project,
  file: string,
): Promise<{ readonly modules: readonly ModuleInfo[]; readonly topology: Topology }> {
  const { modules, transports = [] } = await listModules(project);
  return { modules, topology: loadTopology(file, { modules: modules.map((module) => module.name), transports }) };
}

/**
 * Lets the application check a whole topology file, including the settings of every module. @throws StartupError with
 * the problems found.
 */
export async function checkTopology(project: Project, file: string): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [project.app, '--topology', file, '--check'], {
      cwd: project.root,
      timeout: LIST_TIMEOUT_MS,
    });
  } catch (error) {
    const failure = error as CommandFailure;
    if (failure.code !== EXIT_CONFIG)
      throw new StartupError(
        'check',
        `${relative(project.root, project.app)} --check failed: ${reasonOf(failure)}`,
        SOUND,
      );
    const lines = (failure.stderr ?? '').trimEnd().split('\n');
    const hint = lines.length > 1 ? lines.pop() : undefined;
    throw new StartupError('topology', lines.join('\n'), hint?.trim() ?? 'Correct the file.');
  }
}

type CommandFailure = Error & { readonly stderr?: string; readonly code?: unknown };

function reasonOf({ stderr, message }: CommandFailure): string {
  const lines = stderr?.trim().split('\n') ?? [];
  return (lines.find((line) => /rror:/.test(line)) ?? lines[0]) || message;
}

/**
 * The file of a topology: a path is used as it is, a name means `config/<name>.yaml` of the project. Relative to the
 * project's folder if it is inside.
 * @throws StartupError with the nearest name if there is no such topology.
 */
export function topologyFile(project: Project, name: string = DEFAULT_TOPOLOGY): string {
  if (!isTopologyPath(name)) return findNamedTopology(project.root, name);
  const inside = relative(project.root, resolve(name));
  return inside.startsWith('..') ? resolve(name) : inside;
}

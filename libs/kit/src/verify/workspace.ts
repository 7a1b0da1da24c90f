import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { parse } from 'yaml';
import { StartupError } from '../contract/index.js';

/** The kit's own package: it has a `./contract`, but is no module. */
export const KIT_PACKAGE = '@fledge/kit';

/** A package of the workspace. */
export interface WorkspacePackage {
  readonly name: string;
  /** Relative to the root, with `/`. */
  readonly folder: string;
  /** The keys of its `exports`; undefined when it has none. */
  readonly exports: readonly string[] | undefined;
  /** The line of `"exports"` in its package.json, from 1. */
  readonly exportsLine: number;
  /** Its TypeScript and SQL files, relative to the root. */
  readonly files: readonly string[];
}

interface PackageJson {
  readonly name?: string;
  readonly exports?: string | Readonly<Record<string, unknown>>;
  readonly workspaces?: readonly string[] | { readonly packages?: readonly string[] };
}

const PASSED_BY = new Set(['node_modules', 'dist', 'coverage']);

/** The packages below a root, as its package.json lists them in `workspaces`, or its pnpm-workspace.yaml in `packages`. @throws StartupError when it lists none. */
export function findPackages(root: string): readonly WorkspacePackage[] {
  const patterns = patternsIn(root);
  if (!patterns?.length) throw new StartupError('workspace', `${join(root, 'package.json')} lists no "workspaces", and there is no pnpm-workspace.yaml with "packages"`, 'Run this in the folder of an npm or pnpm workspace.');
  const folders = [...new Set(patterns.flatMap((pattern) => expand(root, pattern.split('/'))))].sort();
  return folders.filter((folder) => existsSync(join(folder, 'package.json'))).map((folder) => packageAt(root, folder));
}

function patternsIn(root: string): readonly string[] | undefined {
  const { workspaces } = readPackage(join(root, 'package.json')).json;
  if (workspaces !== undefined) return Array.isArray(workspaces) ? (workspaces as readonly string[]) : (workspaces as { packages?: readonly string[] }).packages;
  const file = join(root, 'pnpm-workspace.yaml');
  if (!existsSync(file)) return undefined;
  const { packages } = (parse(readFileSync(file, 'utf8')) ?? {}) as { packages?: readonly string[] };
  return packages?.filter((pattern) => !pattern.startsWith('!'));
}

function packageAt(root: string, folder: string): WorkspacePackage {
  const { json, text } = readPackage(join(folder, 'package.json'));
  const { exports } = json;
  return {
    name: json.name ?? slashed(relative(root, folder)),
    folder: slashed(relative(root, folder)),
    exports: exports === undefined ? undefined : exportKeys(exports),
    exportsLine: Math.max(1, text.slice(0, text.indexOf('"exports"') + 1).split('\n').length),
    files: filesBelow(folder).map((file) => slashed(relative(root, file))),
  };
}

function exportKeys(exports: string | Readonly<Record<string, unknown>>): readonly string[] {
  if (typeof exports === 'string') return ['.'];
  const keys = Object.keys(exports);
  // conditions alone stand for the package itself
  return keys.some((key) => key.startsWith('.')) ? keys : ['.'];
}

function readPackage(file: string): { json: PackageJson; text: string } {
  try {
    const text = readFileSync(file, 'utf8');
    return { json: JSON.parse(text) as PackageJson, text };
  } catch (error) {
    throw new StartupError('workspace', `${file} cannot be read: ${(error as Error).message}`, 'Run this in the folder of an npm workspace.');
  }
}

/** Of the patterns those with a whole segment `*`. */
function expand(at: string, [segment, ...rest]: readonly string[]): readonly string[] {
  if (segment === undefined) return [at];
  if (segment !== '*') return existsSync(join(at, segment)) ? expand(join(at, segment), rest) : [];
  return readdirSync(at, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !PASSED_BY.has(entry.name))
    .flatMap((entry) => expand(join(at, entry.name), rest));
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    // `dist` is a link to what was built; links are not followed
    if (entry.isDirectory()) return PASSED_BY.has(entry.name) || entry.name.startsWith('.') ? [] : filesBelow(path);
    return entry.isFile() && /\.(?:[cm]?tsx?|sql)$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}

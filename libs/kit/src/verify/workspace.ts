import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { exportKeys, packageFolders, PASSED_BY, workspacePatterns } from '#lint/packages.js';
import { StartupError } from '../contract/index.js';

/** The kit's own package: it has a `./contract`, but is not a module. */
export const KIT_PACKAGE = '@fledge/kit';

/**
 * A package of the workspace, or a part of an application of one package: a module's folder, or the files outside all
 * modules.
 */
export interface WorkspacePackage {
  readonly name: string;
  /** Relative to the root, with `/`; empty for the root itself. */
  readonly folder: string;
  /** Whether it is not a package, but a folder of one. */
  readonly isFolder: boolean;
  /** The keys of its `exports`; undefined if it has none. */
  readonly exports: readonly string[] | undefined;
  /** The line of `"exports"` in its package.json, from 1. */
  readonly exportsLine: number;
  /** Its TypeScript and SQL files, relative to the root. */
  readonly files: readonly string[];
}

interface PackageJson {
  readonly name?: string;
  readonly exports?: string | Readonly<Record<string, unknown>>;
}

/**
 * The packages below a root, as listed in `workspaces` of its package.json or `packages` of its pnpm-workspace.yaml;
 * none if there is neither.
 */
export function findPackages(root: string): readonly WorkspacePackage[] {
  readPackage(join(root, 'package.json'));
  const found = packageFolders(root).map((folder) => packageAt(root, folder));
  const patterns = workspacePatterns(root) ?? [];
  if (found.length > 0 || patterns.length === 0) return found;
  throw new StartupError(
    'workspace',
    `the workspace in ${root} has no package at ${patterns.join(', ')}`,
    'Correct the patterns, or run this in the folder of an application.',
  );
}

/** An application of one package. */
export interface SinglePackage {
  readonly name: string;
  /** Its TypeScript and SQL files, relative to the root. */
  readonly files: readonly string[];
}

/** Lists the files of the package in a folder. @throws StartupError when there is no package.json */
export function findFiles(root: string): SinglePackage {
  const { json } = readPackage(join(root, 'package.json'));
  const base = resolve(root);
  return { name: json.name ?? 'the application', files: filesBelow(base).map((file) => slashed(relative(base, file))) };
}

function packageAt(root: string, folder: string): WorkspacePackage {
  const { json, text } = readPackage(join(folder, 'package.json'));
  return {
    name: json.name ?? slashed(relative(root, folder)),
    folder: slashed(relative(root, folder)),
    isFolder: false,
    exports: exportKeys(json.exports),
    exportsLine: Math.max(1, text.slice(0, text.indexOf('"exports"') + 1).split('\n').length),
    files: filesBelow(folder).map((file) => slashed(relative(root, file))),
  };
}

function readPackage(file: string): { json: PackageJson; text: string } {
  try {
    const text = readFileSync(file, 'utf8');
    return { json: JSON.parse(text) as PackageJson, text };
  } catch (error) {
    throw new StartupError(
      'workspace',
      `${file} cannot be read: ${(error as Error).message}`,
      'Run this in the folder of an application or of a workspace.',
    );
  }
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    // `dist` is a link to build output; links are not followed
    if (entry.isDirectory()) return PASSED_BY.has(entry.name) || entry.name.startsWith('.') ? [] : filesBelow(path);
    return entry.isFile() && /\.(?:[cm]?tsx?|sql)$/.test(entry.name) && !/\.d\.[cm]?ts$/.test(entry.name) ? [path] : [];
  });
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}

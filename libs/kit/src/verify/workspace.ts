import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { moduleOf } from '#lint/module-folders.js';
import { exportKeys, packageFolders, PASSED_BY } from '#lint/packages.js';
import { StartupError } from '../contract/index.js';

/** The kit's own package: it has a `./contract`, but is no module. */
export const KIT_PACKAGE = '@fledge/kit';

/**
 * A package of the workspace, or a part of an application of one package: the folder of a module, or all that is in
 * none.
 */
export interface WorkspacePackage {
  readonly name: string;
  /** Relative to the root, with `/`; empty for the root itself. */
  readonly folder: string;
  /** Whether it is no package, but a folder of one. */
  readonly isFolder: boolean;
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
}

/**
 * The packages below a root, as its package.json lists them in `workspaces`, or its pnpm-workspace.yaml in `packages`;
 * none when there is neither.
 */
export function findPackages(root: string): readonly WorkspacePackage[] {
  readPackage(join(root, 'package.json'));
  return packageFolders(root).map((folder) => packageAt(root, folder));
}

/**
 * The folders of an application's modules, each with a folder `contract` or a file `contract.ts`; and the rest of the
 * application, last.
 * @throws StartupError when there is no package.json
 */
export function findFolders(root: string): readonly WorkspacePackage[] {
  const { json } = readPackage(join(root, 'package.json'));
  const byModule = new Map<string, string[]>();
  const rest: string[] = [];
  for (const file of filesBelow(resolve(root))) {
    const module = moduleOf(dirname(file));
    const path = slashed(relative(resolve(root), file));
    if (module === undefined) rest.push(path);
    else byModule.set(module, [...(byModule.get(module) ?? []), path]);
  }
  const part = (name: string, folder: string, files: readonly string[]): WorkspacePackage => ({
    name,
    folder,
    isFolder: true,
    exports: undefined,
    exportsLine: 1,
    files,
  });
  const modules = [...byModule].map(([module, files]) =>
    part(slashed(relative(resolve(root), module)), slashed(relative(resolve(root), module)), files),
  );
  return [...modules, part(json.name ?? 'the application', '', rest)];
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
    // `dist` is a link to what was built; links are not followed
    if (entry.isDirectory()) return PASSED_BY.has(entry.name) || entry.name.startsWith('.') ? [] : filesBelow(path);
    return entry.isFile() && /\.(?:[cm]?tsx?|sql)$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}

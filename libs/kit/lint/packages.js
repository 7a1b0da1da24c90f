/**
 * The packages of a workspace: of npm, whose package.json has `workspaces`, or of pnpm. The rules and `fledge verify`
 * find them by this.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** Folders in which nobody writes code. */
export const PASSED_BY = new Set(['node_modules', 'dist', 'coverage']);

/**
 * As npm's package.json lists packages, or pnpm's own file. @param {string} root @returns {readonly string[] |
 * undefined}
 */
export function workspacePatterns(root) {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (workspaces) return Array.isArray(workspaces) ? workspaces : workspaces.packages;
  const file = join(root, 'pnpm-workspace.yaml');
  return existsSync(file)
    ? parse(readFileSync(file, 'utf8'))?.packages?.filter((pattern) => !pattern.startsWith('!'))
    : undefined;
}

/** The folders of a workspace's packages, each below the root. @param {string} root @returns {readonly string[]} */
export function packageFolders(root) {
  const folders = (workspacePatterns(root) ?? []).flatMap((pattern) => expand(root, pattern.split('/')));
  return [...new Set(folders)].filter((folder) => existsSync(join(folder, 'package.json'))).sort();
}

/** The keys of a package's `exports`. @param {unknown} exports @returns {readonly string[] | undefined} */
export function exportKeys(exports) {
  if (exports === undefined || exports === null) return undefined;
  const keys = typeof exports === 'object' ? Object.keys(exports) : [];
  // conditions alone, and a text, stand for the package itself
  return keys.some((key) => key.startsWith('.')) ? keys : ['.'];
}

/** Of the patterns those with a whole segment `*`. */
function expand(at, [segment, ...rest]) {
  if (segment === undefined) return [at];
  if (segment !== '*') return existsSync(join(at, segment)) ? expand(join(at, segment), rest) : [];
  return readdirSync(at, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !PASSED_BY.has(entry.name))
    .flatMap((entry) => expand(join(at, entry.name), rest));
}

/**
 * The packages of a workspace: of npm, whose package.json has `workspaces`, or of pnpm. The rules and `fledge verify`
 * use this to find them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { parse } from 'yaml';

/** Folders without source code. */
export const PASSED_BY = new Set(['node_modules', 'dist', 'coverage']);

/**
 * The patterns of a workspace: `workspaces` in package.json, or `packages` in pnpm-workspace.yaml.
 * @param {string} root a folder with a package.json
 * @returns {readonly string[] | undefined} undefined if it is not a workspace
 */
export function workspacePatterns(root) {
  const { workspaces } = readJson(join(root, 'package.json'));
  if (workspaces) return Array.isArray(workspaces) ? workspaces : workspaces.packages;
  const file = join(root, 'pnpm-workspace.yaml');
  return existsSync(file) ? parse(readFileSync(file, 'utf8'))?.packages : undefined;
}

/** The folders of a workspace's packages, each below the root. @param {string} root @returns {readonly string[]} */
export function packageFolders(root) {
  const patterns = (workspacePatterns(root) ?? []).map((pattern) => pattern.replace(/^\.\/|\/$/g, ''));
  const left = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => matcherOf(pattern.slice(1)));
  const folders = patterns
    .filter((pattern) => !pattern.startsWith('!'))
    .flatMap((pattern) => expand(root, pattern.split('/')))
    .filter((folder) => !left.some((matches) => matches.test(relative(root, folder).split(sep).join('/'))));
  return [...new Set(folders)].filter((folder) => folder !== root && existsSync(join(folder, 'package.json'))).sort();
}

/** The keys of a package's `exports`. @param {unknown} exports @returns {readonly string[] | undefined} */
export function exportKeys(exports) {
  if (exports === undefined || exports === null) return undefined;
  const keys = typeof exports === 'object' ? Object.keys(exports) : [];
  // bare conditions, and a string, stand for the package itself
  return keys.some((key) => key.startsWith('.')) ? keys : ['.'];
}

/** The content of a JSON file. Its error names the file. @param {string} file */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} cannot be read: ${error.message}`, { cause: error });
  }
}

function expand(at, [segment, ...rest]) {
  if (segment === undefined) return [at];
  if (!segment.includes('*')) return existsSync(join(at, segment)) ? expand(join(at, segment), rest) : [];
  const folders = readdirSync(at, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !PASSED_BY.has(entry.name) && !entry.name.startsWith('.'),
  );
  if (segment === '**')
    return [...expand(at, rest), ...folders.flatMap(({ name }) => expand(join(at, name), ['**', ...rest]))];
  const matches = matcherOf(segment);
  return folders.filter(({ name }) => matches.test(name)).flatMap(({ name }) => expand(join(at, name), rest));
}

/** `*` matches part of a segment, `**` any number of segments. */
function matcherOf(pattern) {
  const parts = pattern
    .split(/(\*\*\/?|\*)/)
    .map((part) =>
      part.startsWith('**') ? '(?:.*/)?' : part === '*' ? '[^/]*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'),
    );
  return new RegExp(`^${parts.join('').replace(/\(\?:\.\*\/\)\?$/, '.*')}$`);
}

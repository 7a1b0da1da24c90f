/**
 * The aliases of paths in a tsconfig.json, by which files of one package import each other: `@app/stock` and
 * `@app/stock/*`, as in Nest's monorepo mode.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** @type {Map<string, ReturnType<typeof read>>} */
const byRoot = new Map();

/**
 * Where a specifier leads by the aliases of a folder's tsconfig.json, as an absolute path; undefined when it is none of
 * them.
 * @param {string} root @param {string} specifier @returns {string | undefined}
 */
export function aliasTarget(root, specifier) {
  if (!byRoot.has(root)) byRoot.set(root, read(join(root, 'tsconfig.json')));
  const { base, paths } = byRoot.get(root);
  // the longest pattern counts, as with TypeScript
  for (const [pattern, targets] of paths) {
    const [before, after] = pattern.split('*');
    const fits =
      after === undefined
        ? specifier === pattern
        : specifier.startsWith(before) && specifier.endsWith(after) && specifier.length >= before.length + after.length;
    if (!fits) continue;
    const part = after === undefined ? '' : specifier.slice(before.length, specifier.length - after.length);
    const candidates = targets.map((target) => resolve(base, target.replace('*', part)));
    return candidates.find((candidate) => exists(candidate)) ?? candidates[0];
  }
  return undefined;
}

function exists(path) {
  const bare = path.replace(/\.[cm]?js$/, '');
  return [path, ...['.ts', '.tsx', '.mts', '.cts', '.js'].map((ending) => bare + ending)].some((file) =>
    existsSync(file),
  );
}

/** @param {string} file @returns {{ base: string, paths: readonly [string, readonly string[]][] }} */
function read(file) {
  if (!existsSync(file)) return { base: dirname(file), paths: [] };
  const { extends: above = [], compilerOptions: { baseUrl, paths } = {} } = parse(file);
  const inherited = [above]
    .flat()
    .filter((path) => path.startsWith('.'))
    .map((path) => read(tsconfig(resolve(dirname(file), path))))
    .at(-1);
  if (paths === undefined) return inherited ?? { base: dirname(file), paths: [] };
  const sorted = Object.entries(paths).sort(([a], [b]) => b.split('*')[0].length - a.split('*')[0].length);
  return { base: baseUrl === undefined ? dirname(file) : resolve(dirname(file), baseUrl), paths: sorted };
}

function tsconfig(path) {
  return path.endsWith('.json') ? path : `${path}.json`;
}

/** JSON with comments and commas at the end of lists, which stand outside of texts. */
function parse(file) {
  const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  const bare = text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[^]*?\*\//g, (_, quoted) => quoted ?? '');
  return JSON.parse(bare.replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_, quoted) => quoted ?? ''));
}

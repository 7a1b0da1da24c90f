/**
 * The names with which files of one package import each other without a relative path: `paths` and `baseUrl` of the
 * nearest tsconfig.json, as in Nest's monorepo mode, and `imports` of the package.json.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { readJson } from './packages.js';

/** @typedef {{ base: string | undefined, paths: readonly { pattern: string, targets: readonly string[], from: string }[] }} Aliases */

/** @type {Map<string, Aliases>} */
const byFolder = new Map();
/** @type {Map<string, Aliases>} */
const importsByFolder = new Map();

/**
 * The file inside the package that a bare specifier refers to, as an absolute path; undefined if it is outside.
 * @param {string} folder of the importing file @param {string} specifier @returns {string | undefined}
 */
export function aliasTarget(folder, specifier) {
  const { base, paths } = specifier.startsWith('#')
    ? nearest(folder, 'package.json', importsByFolder, readImports)
    : nearest(folder, 'tsconfig.json', byFolder, readTsconfig);
  for (const { pattern, targets, from } of paths) {
    const [before, after] = pattern.split('*');
    const fits =
      after === undefined
        ? specifier === pattern
        : specifier.length >= before.length + after.length && specifier.startsWith(before) && specifier.endsWith(after);
    if (!fits) continue;
    const part = after === undefined ? '' : specifier.slice(before.length, specifier.length - after.length);
    const found = targets.map((target) => resolve(from, target.replace('*', part))).find(exists);
    if (found !== undefined) return found;
  }
  const below = base === undefined ? undefined : resolve(base, specifier);
  return below !== undefined && exists(below) ? below : undefined;
}

function exists(path) {
  const bare = path.replace(/\.[cm]?js$/, '');
  return [path, ...['.ts', '.tsx', '.mts', '.cts', '.js'].map((ending) => bare + ending)].some((file) =>
    existsSync(file),
  );
}

/** The aliases from the nearest file of that name, in a folder or above it. @returns {Aliases} */
function nearest(folder, name, known, readFrom) {
  const before = known.get(folder);
  if (before) return before;
  const above = dirname(folder);
  const isHere = existsSync(join(folder, name));
  const found = isHere ? readFrom(folder) : above === folder ? NONE : nearest(above, name, known, readFrom);
  known.set(folder, found);
  return found;
}

function readTsconfig(folder) {
  return read(join(folder, 'tsconfig.json'), folder, new Set());
}

function readImports(folder) {
  return { base: undefined, paths: sorted(readJson(join(folder, 'package.json')).imports ?? {}, folder) };
}

const NONE = { base: undefined, paths: [] };

/**
 * Reads a tsconfig.json and what it extends; later entries take precedence.
 * @param {string} file @param {string} configDir of the file that was asked for @param {Set<string>} seen @returns {Aliases}
 */
function read(file, configDir, seen) {
  if (seen.has(file) || !existsSync(file)) return NONE;
  seen.add(file);
  const { extends: above = [], compilerOptions } = parse(file);
  const { baseUrl, paths } = compilerOptions ?? {};
  const inherited = [above]
    .flat()
    .map((path) => read(extended(file, path), configDir, seen))
    .reduce((all, one) => ({ base: one.base ?? all.base, paths: one.paths.length > 0 ? one.paths : all.paths }), NONE);
  const place = (path) => resolve(dirname(file), path.replace('${configDir}', configDir));
  const base = baseUrl ? place(baseUrl) : inherited.base;
  return { base, paths: paths ? sorted(paths, base ?? dirname(file), configDir) : inherited.paths };
}

/** The longest pattern wins, as in TypeScript. */
function sorted(paths, from, configDir = from) {
  return Object.entries(paths)
    .map(([pattern, targets]) => ({
      pattern,
      targets: textsIn(targets).map((target) => target.replace('${configDir}', configDir)),
      from,
    }))
    .sort((a, b) => b.pattern.split('*')[0].length - a.pattern.split('*')[0].length);
}

/** All strings in a value: in a list, or in the conditions of `imports`. */
function textsIn(value) {
  if (typeof value === 'string') return [value];
  return value && typeof value === 'object' ? Object.values(value).flatMap(textsIn) : [];
}

function extended(file, path) {
  const json = path.endsWith('.json') ? path : `${path}.json`;
  if (path.startsWith('.') || path.startsWith('/')) return resolve(dirname(file), json);
  const { resolve: find } = createRequire(file);
  for (const specifier of [path, json, `${path}/tsconfig.json`]) {
    try {
      return find(specifier);
    } catch {
      // one of the three exists, or the compiler reports that none does
    }
  }
  return json;
}

/** Reads JSON with comments and trailing commas. */
function parse(file) {
  const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  const bare = text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[^]*?\*\//g, (_, quoted) => quoted ?? '');
  const plain = bare.replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_, quoted) => quoted ?? '');
  if (plain.trim() === '') return {};
  try {
    return JSON.parse(plain) ?? {};
  } catch (error) {
    throw new Error(`${file} cannot be read: ${error.message}`, { cause: error });
  }
}

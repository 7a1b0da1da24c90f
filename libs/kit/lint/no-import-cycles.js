import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { developmentPackage } from './development-package.js';
import { eachImport } from './workspace.js';

/**
 * A file's relative imports, cached until the file changes. @type {Map<string, { changedMs: number, imports: readonly
 * string[] }>}
 */
const known = new Map();

/** @type {import('typescript') | undefined} */
let compiler;

/** TypeScript, which the other rules do without. @returns {import('typescript')} */
function typescript() {
  const entry = developmentPackage('typescript');
  if (entry === undefined)
    throw new Error('fledge/no-import-cycles needs TypeScript: npm install --save-dev typescript');
  return (compiler ??= createRequire(import.meta.url)(entry));
}

/**
 * No file imports itself through a cycle of relative imports; type imports count, since a reader must follow them as
 * well. npm and `fledge verify` prevent cycles between packages.
 */
export const noImportCycles = {
  meta: {
    type: 'problem',
    docs: { description: 'files do not import each other in a cycle' },
    schema: [],
    messages: { cycle: 'Files import each other in a cycle: {{round}}. Move what both need into a separate file.' },
  },
  create(context) {
    return eachImport((node, specifier) => {
      if (!specifier.startsWith('.')) return;
      const round = wayTo(context.filename, fileOf(context.filename, specifier));
      if (!round) return;
      const names = [context.filename, ...round].map((file) => relative(dirname(context.filename), file));
      context.report({ node, messageId: 'cycle', data: { round: names.join(' → ') } });
    });
  },
};

/** The shortest way of imports from a file to `goal`. @param {string} goal @param {string | undefined} start */
function wayTo(goal, start) {
  const seen = new Set([start]);
  let ways = start === undefined ? [] : [[start]];
  while (ways.length > 0) {
    const home = ways.find((way) => way.at(-1) === goal);
    if (home) return home;
    ways = ways.flatMap((way) =>
      importsOf(way.at(-1)).flatMap((file) => {
        if (seen.has(file)) return [];
        seen.add(file);
        return [[...way, file]];
      }),
    );
  }
  return undefined;
}

/** @param {string} file */
function importsOf(file) {
  const changedMs = statSync(file).mtimeMs;
  const before = known.get(file);
  if (before?.changedMs === changedMs) return before.imports;
  const { importedFiles } = typescript().preProcessFile(readFileSync(file, 'utf8'));
  const imports = importedFiles.flatMap(({ fileName }) =>
    fileName.startsWith('.') ? (fileOf(file, fileName) ?? []) : [],
  );
  known.set(file, { changedMs, imports });
  return imports;
}

/** The source file that a NodeNext import refers to. @param {string} from @param {string} specifier */
function fileOf(from, specifier) {
  const path = resolve(dirname(from), specifier);
  return [path.replace(/\.(c|m)?js$/, '.$1ts'), path].find((file) => existsSync(file) && statSync(file).isFile());
}

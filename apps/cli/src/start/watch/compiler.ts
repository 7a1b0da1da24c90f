/**
 * A process of its own, because compiling is work that would hold up the supervisor: compiles a project whenever its
 * sources change, with the project's own TypeScript. Arguments: the tsconfig, the file to load TypeScript from, and
 * `coloured` for a terminal.
 */
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type ts from 'typescript';
import type { BuildReport } from './build-watch.js';

/** Enough for the files that one save of an editor, or one git command, writes. TypeScript's own pause is 250 ms. */
const SETTLE_MS = 50;
/** Diagnostics 6193 and 6194: a build has ended, with one error or with another number of them. */
const ENDED = [6193, 6194];
/** Errors shown in full; the rest are counted. */
const SHOWN_MAX = 20;

const [, , config = '', typescript = '', colours = ''] = process.argv;
const isColoured = colours === 'coloured';
const { default: compiler } = (await import(pathToFileURL(typescript).href)) as { default: typeof ts };
const { sys } = compiler;
let changed: string[] = [];
let errors: ts.Diagnostic[] = [];

process.once('disconnect', () => process.exit(0));
const obstacle = whyNot();
if (obstacle === undefined) watch();
else process.send?.({ obstacle } satisfies BuildReport);

function watch(): void {
  const host = compiler.createWatchCompilerHost(
    config,
    // what does not compile must not be loaded by a service that happens to start
    { noEmitOnError: true },
    {
      ...sys,
      setTimeout: (act: (...args: unknown[]) => void, ms: number, ...args: unknown[]) =>
        setTimeout(act, Math.min(ms, SETTLE_MS), ...args),
      writeFile: write,
      // a tsconfig that cannot be read: say so first; whoever started this starts it again
      exit: (code) => report(errors.length, () => process.exit(code)),
    },
    compiler.createEmitAndSemanticDiagnosticsBuilderProgram,
    (diagnostic) => void errors.push(diagnostic),
    (diagnostic, _newLine, _options, errorCount) => {
      if (ENDED.includes(diagnostic.code)) report(errorCount ?? errors.length);
    },
  );
  compiler.createWatchProgram(host);
}

/** Why this project cannot be watched; undefined if it can. */
function whyNot(): string | undefined {
  if (typeof compiler.createWatchCompilerHost !== 'function')
    return `TypeScript ${compiler.version} offers no programs that watch`;
  const { config: settings } = compiler.readConfigFile(config, (path) => sys.readFile(path)) as {
    config?: { readonly references?: readonly unknown[] };
  };
  return settings?.references?.length ? `${config} refers to other projects, which are not watched with it` : undefined;
}

/** Writes only what is different: a file that was merely touched is no change. */
function write(path: string, data: string, mark?: boolean): void {
  if (sys.readFile(path) === data) return;
  sys.writeFile(path, data, mark);
  // what tools read, and no service loads
  if (/\.(map|tsbuildinfo|d\.[cm]?ts)$/.test(path)) return;
  changed.push(realpathSync(path));
}

function report(errorCount: number, told: () => void = () => undefined): void {
  const message: BuildReport =
    errorCount === 0 ? { changed } : { errors: errors.slice(0, SHOWN_MAX).flatMap(linesOf), errorCount };
  changed = [];
  errors = [];
  process.send?.(message, told);
}

/** As the compiler prints it, with the lines of source. */
function linesOf(diagnostic: ts.Diagnostic): string[] {
  const text = compiler.formatDiagnosticsWithColorAndContext([diagnostic], {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => sys.getCurrentDirectory(),
    getNewLine: () => '\n',
  });
  return (isColoured ? text : stripVTControlCharacters(text)).trimEnd().split('\n');
}

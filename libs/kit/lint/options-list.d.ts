import type ts from 'typescript';

/** A name to add to a list of options, and where it comes from. */
export interface Addition {
  /** What the options belong to: a call, as of a decorator, or the type of a variable. */
  readonly of: string;
  /** The option whose list gets it: `providers`. */
  readonly key: string;
  /** Options after one of which a new list is placed, the first that there is. */
  readonly after: readonly string[];
  /** The element: `TakeStockHandler`, or any expression. */
  readonly element: string;
  /** The import that it needs, if any. */
  readonly imports?: Imported;
  /** What is added instead if the option calls this function with its list: `modulesOf(AModule, BModule)`. */
  readonly inCall?: { readonly name: string; readonly element: string; readonly imports?: Imported };
}

/** A name, and where it comes from; the specifier without an ending if it is relative. */
export interface Imported {
  readonly name: string;
  readonly from: string;
}

/** An import of names. */
export interface NamedImport {
  readonly specifier: string;
  readonly names: readonly string[];
  /** As they are written, with `type` and `as`; none if it binds anything else. */
  readonly texts: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** The names in a list of options, as `[A, B]` in `migrations: [A, B]`; undefined if it is no plain list. */
export function listedIn(
  compiler: typeof ts,
  source: ts.SourceFile,
  of: string,
  key: string,
): readonly string[] | undefined;

/**
 * Adds an element to a list of options and imports what it names, in the order of the other imports; an element that is
 * there already is not added twice. Undefined where the options are not written out.
 */
export function addToOptions(compiler: typeof ts, path: string, text: string, addition: Addition): string | undefined;

/** The imports of a file. */
export function importsOf(compiler: typeof ts, source: ts.SourceFile): readonly NamedImport[];

/** How relative imports of a file end: not at all in CommonJS, else with `.js`. */
export function importEnding(compiler: typeof ts, source: ts.SourceFile): '' | '.js';

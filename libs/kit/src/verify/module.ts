import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Compiler, type FileFacts, type ImportFact, readFacts } from './file-facts.js';
import { KIT_PACKAGE, type WorkspacePackage } from './workspace.js';

/** Which part of a package a file belongs to. */
export type Area = 'contract' | 'src' | 'test';

/** A source file and the facts about it. */
export interface SourceFile extends FileFacts {
  /** Relative to the workspace's root. */
  readonly path: string;
  readonly area: Area;
}

/** A package with its files read. */
export interface ReadPackage extends WorkspacePackage {
  readonly sources: readonly SourceFile[];
}

/** A package that is a module. */
export interface Module extends ReadPackage {
  /** The name in its contract; the last part of its package's name if it has no readable contract. */
  readonly module: string;
}

/** The target of an import, if it is a package of the workspace or the folder of a module. */
export interface PackageTarget {
  readonly package: ReadPackage;
  /** The key of `exports` that it uses: `.`, `./contract`. For a folder, `.` means everything except its contract. */
  readonly key: string;
}

/** The workspace as the rules see it. */
export interface Workspace {
  readonly packages: readonly ReadPackage[];
  readonly modules: readonly Module[];
  /** The package of a bare specifier; among folders, the module that a file's import leads to. */
  readonly targetOf: (source: SourceFile, specifier: string) => PackageTarget | undefined;
  /** The module of a package, if it is one. */
  readonly moduleOf: (pkg: ReadPackage) => Module | undefined;
}

/** Reads every package's files. */
export function readWorkspace(root: string, found: readonly WorkspacePackage[], compiler: Compiler): Workspace {
  const packages = found.map((pkg): ReadPackage => ({
    ...pkg,
    sources: pkg.files.map((path) => readSource(root, path, areaOf(pkg, path), compiler)),
  }));
  const modules = packages
    .filter(isModule)
    .map((pkg): Module => ({ ...pkg, module: contractName(pkg) ?? pkg.name.split('/').at(-1) ?? pkg.name }));
  const byName = new Map(packages.map((pkg) => [pkg.name, pkg]));
  return {
    packages,
    modules,
    targetOf: (_source, specifier) => {
      const parts = specifier.split('/');
      const size = specifier.startsWith('@') ? 2 : 1;
      const pkg = byName.get(parts.slice(0, size).join('/'));
      return pkg && { package: pkg, key: ['.', ...parts.slice(size)].join('/') };
    },
    moduleOf: (pkg) => modules.find((module) => module.name === pkg.name),
  };
}

/** The import that binds a name in a file, if there is one. */
export function importOf(source: SourceFile, name: string): ImportFact | undefined {
  return source.imports.find((fact) => fact.names.includes(name));
}

/**
 * A module is found by what it is, so that none can be forgotten: it exports `./contract`, has a folder `contract/`, or
 * exports itself and declares a `@BoundedModule` in `src/`.
 */
function isModule(pkg: ReadPackage): boolean {
  if (pkg.name === KIT_PACKAGE) return false;
  if (pkg.exports?.includes('./contract') || pkg.sources.some((source) => source.area === 'contract')) return true;
  return (
    pkg.exports?.includes('.') === true &&
    pkg.sources.some((source) => source.area === 'src' && source.bounded.length > 0)
  );
}

function contractName(pkg: ReadPackage): string | undefined {
  return pkg.sources.filter((source) => source.area === 'contract').flatMap((source) => source.contracts)[0]?.name;
}

/** Reads a file. */
export function readSource(root: string, path: string, area: Area, compiler: Compiler): SourceFile {
  return { path, area, ...readFacts(compiler, path, readFileSync(join(root, path), 'utf8')) };
}

function areaOf(pkg: WorkspacePackage, path: string): Area {
  const inside = path.slice(pkg.folder.length + 1);
  if (inside.startsWith('test/') || /\.spec\.[cm]?tsx?$/.test(inside)) return 'test';
  return inside.startsWith('contract/') ? 'contract' : 'src';
}

import { readFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { isContract, TESTS } from '#lint/module-folders.js';
import { aliasTarget } from '#lint/path-aliases.js';
import { type Compiler, type FileFacts, type ImportFact, readFacts } from './file-facts.js';
import { KIT_PACKAGE, type WorkspacePackage } from './workspace.js';

/** Which part of a package a file belongs to. */
export type Area = 'contract' | 'src' | 'test';

/** A source file and what it holds. */
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
  /** The name in its contract; its package's last part when it has no readable contract. */
  readonly module: string;
}

/** Where an import leads, if to a package of the workspace, or to the folder of a module. */
export interface PackageTarget {
  readonly package: ReadPackage;
  /** The key of `exports` that it asks for: `.`, `./contract`. Of a folder, the first is all but its contract. */
  readonly key: string;
}

/** The workspace as the rules see it. */
export interface Workspace {
  readonly packages: readonly ReadPackage[];
  readonly modules: readonly Module[];
  /** The package of a bare specifier; among folders, the module that a file's import leads to. */
  readonly targetOf: (source: SourceFile, specifier: string) => PackageTarget | undefined;
  /** The module that a package is. */
  readonly moduleOf: (pkg: ReadPackage) => Module | undefined;
}

/** Reads every package's files. */
export function readWorkspace(root: string, found: readonly WorkspacePackage[], compiler: Compiler): Workspace {
  const packages = found.map((pkg): ReadPackage => ({
    ...pkg,
    sources: pkg.files.map((path) => readSource(root, pkg, path, compiler)),
  }));
  const modules = packages
    .filter(isModule)
    .map((pkg): Module => ({ ...pkg, module: contractName(pkg) ?? pkg.name.split('/').at(-1) ?? pkg.name }));
  const byName = new Map(packages.map((pkg) => [pkg.name, pkg]));
  return {
    packages,
    modules,
    targetOf: (source, specifier) => {
      if (packages[0]?.isFolder) return folderTarget(root, modules, source, specifier);
      const parts = specifier.split('/');
      const size = specifier.startsWith('@') ? 2 : 1;
      const pkg = byName.get(parts.slice(0, size).join('/'));
      return pkg && { package: pkg, key: ['.', ...parts.slice(size)].join('/') };
    },
    moduleOf: (pkg) => modules.find((module) => module.name === pkg.name),
  };
}

/** Relative imports and aliases of the tsconfig.json lead into folders. */
function folderTarget(
  root: string,
  modules: readonly Module[],
  source: SourceFile,
  specifier: string,
): PackageTarget | undefined {
  const base = resolve(root);
  const path = specifier.startsWith('.')
    ? resolve(base, dirname(source.path), specifier)
    : aliasTarget(base, specifier);
  if (path === undefined) return undefined;
  const inside = relative(base, path).split(sep).join('/');
  const found = modules
    .filter(({ folder }) => folder !== '' && (inside === folder || inside.startsWith(`${folder}/`)))
    .toSorted((a, b) => b.folder.length - a.folder.length)[0];
  return found && { package: found, key: isContract(join(base, found.folder), path) ? './contract' : '.' };
}

/** Whether a file's import binds a name, and from where. */
export function importOf(source: SourceFile, name: string): ImportFact | undefined {
  return source.imports.find((fact) => fact.names.includes(name));
}

/**
 * A module is found by what it is, so that none can be forgotten: it exports `./contract`, has a folder `contract/`, or
 * exports itself and declares a `@BoundedModule` in `src/`.
 */
function isModule(pkg: ReadPackage): boolean {
  if (pkg.name === KIT_PACKAGE) return false;
  // any folder may have a `contract` in it: that of a module says so. What is in no folder may be one module, too
  if (pkg.isFolder)
    return pkg.sources.some(
      ({ area, contracts, bounded }) => bounded.length > 0 || (area === 'contract' && contracts.length > 0),
    );
  if (pkg.exports?.includes('./contract') || pkg.sources.some((source) => source.area === 'contract')) return true;
  return (
    pkg.exports?.includes('.') === true &&
    pkg.sources.some((source) => source.area === 'src' && source.bounded.length > 0)
  );
}

function contractName(pkg: ReadPackage): string | undefined {
  return pkg.sources.filter((source) => source.area === 'contract').flatMap((source) => source.contracts)[0]?.name;
}

function readSource(root: string, pkg: WorkspacePackage, path: string, compiler: Compiler): SourceFile {
  return { path, area: areaOf(pkg, path), ...readFacts(compiler, path, readFileSync(join(root, path), 'utf8')) };
}

function areaOf(pkg: WorkspacePackage, path: string): Area {
  const inside = pkg.folder === '' ? path : posix.relative(pkg.folder, path);
  if (pkg.isFolder)
    return TESTS.test(path)
      ? 'test'
      : /^contract(?:\/|\.[cm]?tsx?$)|\.contract\.[cm]?tsx?$/.test(inside)
        ? 'contract'
        : 'src';
  if (inside.startsWith('test/') || /\.spec\.[cm]?tsx?$/.test(inside)) return 'test';
  return inside.startsWith('contract/') ? 'contract' : 'src';
}

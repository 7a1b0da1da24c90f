import { posix, relative, resolve, sep } from 'node:path';
import { isTest } from '#lint/module-folders.js';
import { aliasTarget } from '#lint/path-aliases.js';
import type { Compiler } from './file-facts.js';
import {
  type Module,
  type PackageTarget,
  type ReadPackage,
  readSource,
  type SourceFile,
  type Workspace,
} from './module.js';
import { findFiles } from './workspace.js';

/** A contract in a module's folder, or in a file of its folder `contract`. */
const IN_CONTRACT = /^(.+)\/contract(?:\/.*|\.[cm]?tsx?)$/;

/**
 * Reads an application of one package. A module is the folder around a `contract` that defines one. If one module
 * remains whose contract is not in its folder, it is the folder of its `@BoundedModule`. A file belongs to the
 * innermost module.
 */
export function readFolders(root: string, compiler: Compiler): Workspace {
  const { name, files } = findFiles(root);
  const sources = files.map((path) => readSource(root, path, isTest(root, path) ? 'test' : 'src', compiler));
  const code = sources.filter(({ area }) => area !== 'test');
  const withContract = new Set(
    code.filter(({ contracts }) => contracts.length > 0).flatMap(({ path }) => IN_CONTRACT.exec(path)?.[1] ?? []),
  );
  const others = code.filter(({ bounded }) => bounded.length > 0).map(({ path }) => posix.dirname(path));
  const folders = new Set([
    ...withContract,
    ...others.filter((folder) => innermost(withContract, folder) === undefined),
  ]);
  const modules = [...folders].sort().map((folder): Module => {
    const own = sources
      .filter(({ path }) => innermost(folders, path) === folder)
      .map((source) => inArea(source, folder, withContract.has(folder)));
    const contract = own.filter(({ area }) => area === 'contract').flatMap(({ contracts }) => contracts)[0];
    return { ...part(folder, folder, own), module: contract?.name ?? posix.basename(folder) };
  });
  const rest = part(
    name,
    '',
    sources.filter(({ path }) => innermost(folders, path) === undefined),
  );
  return {
    packages: [...modules, rest],
    modules,
    targetOf: (source, specifier) => targetOf(resolve(root), modules, source, specifier),
    moduleOf: (pkg) => modules.find(({ folder }) => folder === pkg.folder),
  };
}

function part(name: string, folder: string, sources: readonly SourceFile[]): Omit<Module, 'module'> {
  return {
    name,
    folder,
    isFolder: true,
    exports: undefined,
    exportsLine: 1,
    files: sources.map(({ path }) => path),
    sources,
  };
}

function innermost(folders: Iterable<string>, path: string): string | undefined {
  return [...folders]
    .filter((folder) => path === folder || path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** Without a `contract` folder, the contract is a file `….contract.ts`. */
function inArea(source: SourceFile, folder: string, hasFolder: boolean): SourceFile {
  const inside = posix.relative(folder, source.path);
  const isContract = hasFolder ? /^contract(?:\/|\.[cm]?tsx?$)/.test(inside) : /\.contract\.[cm]?tsx?$/.test(inside);
  return isContract && source.area !== 'test' ? { ...source, area: 'contract' } : source;
}

/** Relative imports and aliases lead into folders. */
function targetOf(
  root: string,
  modules: readonly Module[],
  source: SourceFile,
  specifier: string,
): PackageTarget | undefined {
  const folder = resolve(root, posix.dirname(source.path));
  const path = specifier.startsWith('.') ? resolve(folder, specifier) : aliasTarget(folder, specifier);
  if (path === undefined) return undefined;
  const inside = relative(root, path).split(sep).join('/');
  const found = innermost(
    modules.map((module) => module.folder),
    inside,
  );
  const module = modules.find((one) => one.folder === found);
  if (module === undefined) return undefined;
  const bare = withoutEnding(inside);
  const file = module.sources.find((one) => [bare, `${bare}/index`].includes(withoutEnding(one.path)));
  // beside that remaining module are files that all may share
  if (!hasContractFolder(module) && (file === undefined || !isPartOfModule(file))) return undefined;
  return { package: module, key: file?.area === 'contract' ? './contract' : '.' };
}

/** Whether a module's contract is in a folder or file named `contract`. */
export function hasContractFolder({ sources, folder }: ReadPackage): boolean {
  return sources.some(({ area, path }) => area === 'contract' && /^contract[/.]/.test(posix.relative(folder, path)));
}

/** Whether a file is part of a module, by the file names that Nest teams use; its contract is, too. */
function isPartOfModule({ area, path, bounded, entities }: SourceFile): boolean {
  return (
    area === 'contract' ||
    bounded.length > 0 ||
    entities.length > 0 ||
    /\.(?:module|service|entity|row|repository|controller|handler|process|gateway|resolver)\.[cm]?tsx?$/.test(path)
  );
}

function withoutEnding(path: string): string {
  return path.replace(/\.[cm]?[jt]sx?$/, '');
}

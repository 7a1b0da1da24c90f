/**
 * The boundaries of an application of one package, whose modules are folders: each has a folder `contract`, or a file
 * `contract.ts`. They import each other by relative paths, or by the aliases of the tsconfig.json, as in Nest's
 * monorepo mode.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { aliasTarget } from './path-aliases.js';
import { eachImport, isMoreOfKit, KIT } from './workspace.js';

/** Files that may load modules: the application's list of them. */
export const MODULE_LIST = /^(?:modules|application|.*\.application)\.[cm]?[jt]s$/;
/** The same in an application that was stock Nest, if the file belongs to no module. */
export const APP_MODULE = /^app\.module\.[cm]?[jt]s$/;
/** An application, by the name of its file. */
export const APPLICATION = /\.application\.[cm]?[jt]s$/;
const TEST_FILE = /\.(?:spec|test|e2e|e2e-spec)\.[cm]?[jt]sx?$/;
const TEST_FOLDER = /^(?:tests?|__tests__)$/;
const SOURCE = /(?<!\.d)\.[cm]?[jt]sx?$/;

/** @type {Map<string, string | undefined>} */
const moduleByFolder = new Map();

/** What `module-boundaries` checks where there is no workspace. @param {import('eslint').Rule.RuleContext} context */
export function folderRules(context) {
  const file = context.filename;
  const root = packageAround(dirname(file));
  if (isTest(root, relative(root, file))) return {};
  const own = moduleOf(dirname(file));
  const inContract = own !== undefined && isContract(own, file);
  const report = (node, messageId, data) => context.report({ node, messageId, data });

  return eachImport((node, specifier) => {
    if (inContract && isMoreOfKit(specifier)) return report(node, 'contractKit', { allowed: `${KIT}/contract` });
    const path = specifier.startsWith('.') ? resolve(dirname(file), specifier) : aliasTarget(dirname(file), specifier);
    if (path === undefined) return;
    // a folder is imported by its index
    const target = moduleOf(existsSync(path) ? path : dirname(path));
    if (target === own) {
      if (inContract && !isContract(own, path)) report(node, 'contractInside', { specifier });
      return;
    }
    if (target === undefined || isContract(target, path)) return;
    // an application may be anywhere; a list of modules inside a module's folder lists those below it
    const isList =
      APPLICATION.test(file) ||
      (own === undefined && APP_MODULE.test(basename(file))) ||
      (MODULE_LIST.test(basename(file)) && (own === undefined || target.startsWith(dirname(file) + sep)));
    if (isList) return;
    if (own !== undefined) report(node, 'folderContractOnly', { specifier, module: nameOf(target) });
    else report(node, 'folderListOnly', { specifier, module: nameOf(target), list: 'application.ts or modules.ts' });
  });
}

/**
 * Whether a file is a test: tests may import what they test. A module's folder may be called `tests`, unless it lies in
 * the root of a package or project or in another module, where its contracts are those of tests.
 * @param {string} root
 * @param {string} path below the root
 */
export function isTest(root, path) {
  if (TEST_FILE.test(path)) return true;
  const folders = path.split(/[\\/]/).slice(0, -1);
  return folders.some((name, depth) => {
    if (!TEST_FOLDER.test(name)) return false;
    const folder = join(root, ...folders.slice(0, depth + 1));
    const around = dirname(folder);
    return depth === 0 || isProject(around) || moduleOf(folder) !== folder || moduleOf(around) !== undefined;
  });
}

/** Whether a folder is a package, or a project in Nest's monorepo mode. @param {string} folder */
function isProject(folder) {
  return existsSync(join(folder, 'package.json')) || existsSync(join(folder, 'src'));
}

/** A module's folder may be the `src` of a project, as in Nest's monorepo mode. @param {string} folder */
function nameOf(folder) {
  return basename(folder) === 'src' ? basename(dirname(folder)) : basename(folder);
}

/** The folder of the package that a folder belongs to. @param {string} folder @returns {string} */
function packageAround(folder) {
  return existsSync(join(folder, 'package.json')) || dirname(folder) === folder
    ? folder
    : packageAround(dirname(folder));
}

/**
 * The innermost folder around a path that has a contract, below the package's root.
 * @param {string} folder
 * @returns {string | undefined}
 */
export function moduleOf(folder) {
  if (moduleByFolder.has(folder)) return moduleByFolder.get(folder);
  const isRoot = existsSync(join(folder, 'package.json')) || dirname(folder) === folder;
  const found = isRoot ? undefined : hasContract(folder) ? folder : moduleOf(dirname(folder));
  moduleByFolder.set(folder, found);
  return found;
}

/** Any folder may have a `contract` in it: the one of a module defines a contract. @param {string} folder */
function hasContract(folder) {
  if (basename(folder) === 'contract') return false;
  const own = existsSync(folder)
    ? readdirSync(folder).filter((name) => /^contract(?:\.[cm]?[jt]sx?)?$/.test(name))
    : [];
  return own.some((name) =>
    filesBelow(join(folder, name)).some((file) => readFileSync(file, 'utf8').includes('defineContract')),
  );
}

/** @param {string} path @returns {readonly string[]} */
function filesBelow(path) {
  if (SOURCE.test(path)) return [path];
  if (!statSync(path).isDirectory()) return [];
  return readdirSync(path).flatMap((name) => filesBelow(join(path, name)));
}

/** Whether a path in a module's folder is part of its contract. @param {string} module @param {string} path */
export function isContract(module, path) {
  return (
    path === join(module, 'contract') ||
    path.startsWith(join(module, 'contract') + sep) ||
    path.replace(/\.[cm]?[jt]s$/, '') === join(module, 'contract')
  );
}

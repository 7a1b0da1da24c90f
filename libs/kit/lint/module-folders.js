/**
 * The boundaries of an application of one package, whose modules are folders: each has a folder `contract`, or a file `contract.ts`.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { eachImport, KIT } from './workspace.js';

/** Files that may load modules: the application's list of them. */
const MODULE_LIST = /^(?:modules|application|.*\.application)\.[cm]?[jt]s$/;
/** Tests look into what they test. */
const TESTS = /\.(?:spec|test|e2e|e2e-spec)\.[cm]?[jt]s$|(?:^|[\\/])tests?[\\/]/;

/** @type {Map<string, string | undefined>} */
const moduleByFolder = new Map();

/** What `module-boundaries` checks where there is no workspace. @param {import('eslint').Rule.RuleContext} context */
export function folderRules(context) {
  const file = context.filename;
  if (TESTS.test(relative(packageAround(dirname(file)), file))) return {};
  const own = moduleOf(dirname(file));
  const inContract = own !== undefined && isContract(own, file);
  const report = (node, messageId, data) => context.report({ node, messageId, data });

  return eachImport((node, specifier) => {
    if (!specifier.startsWith('.')) {
      const isKit = specifier === KIT || specifier.startsWith(`${KIT}/`);
      if (inContract && isKit && specifier !== `${KIT}/contract`) report(node, 'contractKit', { allowed: `${KIT}/contract` });
      return;
    }
    const path = resolve(dirname(file), specifier);
    // a folder is imported by its index
    const target = moduleOf(existsSync(path) ? path : dirname(path));
    if (target === own) {
      if (inContract && !isContract(own, path)) report(node, 'contractInside', { specifier });
      return;
    }
    if (target === undefined || isContract(target, path)) return;
    if (MODULE_LIST.test(basename(file))) return;
    if (own !== undefined) report(node, 'folderContractOnly', { specifier, module: basename(target) });
    else report(node, 'folderListOnly', { specifier, module: basename(target), list: 'application.ts or modules.ts' });
  });
}

/** The folder of the package that a folder belongs to. @param {string} folder @returns {string} */
function packageAround(folder) {
  return existsSync(join(folder, 'package.json')) || dirname(folder) === folder ? folder : packageAround(dirname(folder));
}

/** The innermost folder around a path that has a contract, below the package's root. @param {string} folder @returns {string | undefined} */
function moduleOf(folder) {
  if (moduleByFolder.has(folder)) return moduleByFolder.get(folder);
  const isRoot = existsSync(join(folder, 'package.json')) || dirname(folder) === folder;
  const isModule = !isRoot && basename(folder) !== 'contract' && (existsSync(join(folder, 'contract')) || existsSync(join(folder, 'contract.ts')));
  const found = isModule ? folder : isRoot ? undefined : moduleOf(dirname(folder));
  moduleByFolder.set(folder, found);
  return found;
}

function isContract(module, path) {
  return path === join(module, 'contract') || path.startsWith(join(module, 'contract') + sep) || path.replace(/\.[cm]?[jt]s$/, '') === join(module, 'contract');
}

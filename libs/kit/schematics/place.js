/** Where the modules of an application are, in the tree of a schematic: packages of a workspace, or folders. */
import { posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { developmentPackage } from '#lint/development-package.js';

const PASSED_BY = new Set(['node_modules', 'dist', 'coverage']);
const LIST = /(?:^|\/)(?:modules|app\.module|application|[\w-]+\.application)\.ts$/;

/** TypeScript, which reads what is to be changed. */
export async function loadTypeScript() {
  const entry = developmentPackage('typescript');
  if (entry === undefined) throw new Error('TypeScript is not installed: npm install --save-dev typescript.');
  return (await import(pathToFileURL(entry).href)).default;
}

/**
 * @typedef {object} FoundModule
 * @property {string} name as in its contract
 * @property {string} folder with its contract
 * @property {string} contractFile
 * @property {string} contract the constant: `StockContract`
 * @property {string} moduleFile
 * @property {string} moduleClass
 * @property {string | undefined} packageName if it is a package of a workspace
 */

/** All TypeScript files of the application. @param {import('@angular-devkit/schematics').Tree} tree @returns {string[]} */
function sources(tree, folder = '/') {
  const dir = tree.getDir(folder);
  return [
    ...dir.subfiles
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
      .map((name) => posix.join(folder, name)),
    ...dir.subdirs
      .filter((name) => !PASSED_BY.has(name) && !name.startsWith('.'))
      .flatMap((name) => sources(tree, posix.join(folder, name))),
  ];
}

/** Finds the modules and the list of them. @param {import('@angular-devkit/schematics').Tree} tree */
export function readApplication(tree) {
  const files = sources(tree);
  const bounded = files.filter(
    (file) => !/\.spec\.ts$|\/tests?\//.test(file) && tree.readText(file).includes('@BoundedModule('),
  );
  /** @type {FoundModule[]} */
  const modules = [];
  for (const contractFile of files) {
    if (/\.spec\.ts$|\/tests?\//.test(contractFile)) continue;
    const text = tree.readText(contractFile);
    const [, contract, name] = /export const (\w+)\s*=\s*defineContract\(\{[^]*?\bname:\s*'([\w-]+)'/.exec(text) ?? [];
    if (name === undefined) continue;
    const folder = contractFile.replace(/\/(?:contract\/[^/]+|[^/]+)$/, '');
    const moduleFile = bounded.find((file) => file.startsWith(`${folder}/`) && tree.readText(file).includes(contract));
    if (moduleFile === undefined) continue;
    const [, moduleClass] = /export class (\w+)/.exec(tree.readText(moduleFile).split('@BoundedModule(')[1]) ?? [];
    modules.push({ name, folder, contractFile, contract, moduleFile, moduleClass, packageName: nameOf(tree, folder) });
  }
  const list = files.find((file) => LIST.test(file) && /:\s*Application\s*=/.test(tree.readText(file)));
  return { modules, list };
}

/** The name of the package in a folder. */
function nameOf(tree, folder) {
  const file = `${folder}/package.json`;
  return folder !== '' && tree.exists(file) ? tree.readJson(file).name : undefined;
}

/** @param {ReturnType<typeof readApplication>} application @param {string} name @returns {FoundModule} */
export function moduleNamed({ modules }, name) {
  const found = modules.find((module) => module.name === name);
  if (found) return found;
  throw new Error(
    `there is no module '${name}'; there are: ${modules.map((module) => module.name).join(', ') || 'none'}. Generate it first: nest g -c @fledge/kit module ${name}.`,
  );
}

/** The folder of the package around a file. */
export function packageAround(tree, file) {
  for (let folder = posix.dirname(file); ; folder = posix.dirname(folder))
    if (folder === '/' || tree.exists(posix.join(folder, 'package.json'))) return folder;
}

/** A relative specifier without an ending. */
export function near(from, to) {
  const path = posix.relative(posix.dirname(from), to).replace(/\.ts$/, '');
  return path.startsWith('.') ? path : `./${path}`;
}

/** How a file imports a module's contract. @param {FoundModule} module @param {FoundModule | undefined} own */
export function contractFrom(from, module, own) {
  return module.packageName === undefined || module.name === own?.name
    ? near(from, module.contractFile)
    : `${module.packageName}/contract`;
}

/** Whether a workspace lists packages. */
export function workspacesOf(tree) {
  const { workspaces } = tree.exists('/package.json') ? tree.readJson('/package.json') : {};
  if (workspaces) return Array.isArray(workspaces) ? workspaces : (workspaces.packages ?? []);
  if (!tree.exists('/pnpm-workspace.yaml')) return [];
  return [...tree.readText('/pnpm-workspace.yaml').matchAll(/^\s+-\s+['"]?([^'"\n]+)/gm)].map(([, pattern]) => pattern);
}

/** Whether the application is ESM, so that imports have endings. */
export function endingOf(tree) {
  return tree.exists('/package.json') && tree.readJson('/package.json').type === 'module' ? '.js' : '';
}

/** The version of this package. */
export const OWN_MANIFEST = fileURLToPath(new URL('../package.json', import.meta.url));

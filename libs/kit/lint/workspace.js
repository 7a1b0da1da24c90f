/**
 * What the rules know about the workspace: its packages, found by their package.json, and which of them are modules.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { exportKeys, packageFolders, readJson, workspacePatterns } from './packages.js';

/** The kit's own package: it has a `./contract`, but is not a module. */
export const KIT = '@fledge/kit';

/**
 * @typedef {object} Package
 * @property {string} name
 * @property {string} folder absolute
 * @property {boolean} isModule whether it exports `./contract` or has a folder of that name
 * @property {readonly string[] | undefined} exports the keys of its `exports`
 */

/**
 * The disk is read once per run: packages do not change during it.
 * @type {Map<string, readonly Package[]>}
 */
const byRoot = new Map();
/** @type {Map<string, string | undefined>} */
const rootByFolder = new Map();

/** The packages of the workspace that a file lies in; none outside a workspace. @param {string} file */
export function packagesAround(file) {
  const root = rootOf(dirname(file));
  if (root === undefined) return [];
  const known = byRoot.get(root);
  if (known) return known;
  const packages = packageFolders(root).map(packageAt);
  byRoot.set(root, packages);
  return packages;
}

/** Whether a specifier imports more of the kit than contracts may. @param {string} specifier */
export function isMoreOfKit(specifier) {
  return specifier !== `${KIT}/contract` && (specifier === KIT || specifier.startsWith(`${KIT}/`));
}

/** The package that a path lies in. @param {readonly Package[]} packages @param {string} path */
export function packageOf(packages, path) {
  return packages.find(({ folder }) => path.startsWith(folder + sep));
}

/**
 * The package that a bare specifier names, and the key of its `exports` that it uses.
 * @param {readonly Package[]} packages
 * @param {string} specifier
 */
export function targetOf(packages, specifier) {
  const parts = specifier.split('/');
  const size = specifier.startsWith('@') ? 2 : 1;
  const target = packages.find(({ name }) => name === parts.slice(0, size).join('/'));
  return target && { target, key: ['.', ...parts.slice(size)].join('/') };
}

/**
 * Visitors that call `check(node, specifier)` for everything that imports: declarations, re-exports, `import()`, types
 * and `require`.
 * @param {(node: object, specifier: string) => void} check
 */
export function eachImport(check) {
  const fromSource = (node) => {
    const specifier = textOf(node.source);
    if (specifier !== undefined) check(node.source, specifier);
  };
  return {
    ImportDeclaration: fromSource,
    ExportNamedDeclaration: fromSource,
    ExportAllDeclaration: fromSource,
    ImportExpression: fromSource,
    TSImportType: fromSource,
    TSExternalModuleReference: (node) => check(node, node.expression.value),
    CallExpression: (node) => {
      const [first] = node.arguments;
      if (node.callee.name === 'require' && textOf(first) !== undefined) check(first, textOf(first));
    },
  };
}

/** The value of a string, or of a template without `${…}`. */
function textOf(node) {
  if (typeof node?.value === 'string') return node.value;
  return node?.type === 'TemplateLiteral' && node.expressions.length === 0 ? node.quasis[0].value.cooked : undefined;
}

function rootOf(folder) {
  if (rootByFolder.has(folder)) return rootByFolder.get(folder);
  const file = join(folder, 'package.json');
  const above = dirname(folder);
  const root = existsSync(file) && workspacePatterns(folder) ? folder : above === folder ? undefined : rootOf(above);
  rootByFolder.set(folder, root);
  return root;
}

/** @returns {Package} */
function packageAt(folder) {
  const { name, exports } = readJson(join(folder, 'package.json'));
  const keys = exportKeys(exports);
  return {
    name,
    folder: resolve(folder),
    exports: keys,
    isModule: name !== KIT && (keys?.includes('./contract') === true || existsSync(join(folder, 'contract'))),
  };
}

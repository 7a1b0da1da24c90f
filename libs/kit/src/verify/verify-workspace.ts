import { pathToFileURL } from 'node:url';
import { developmentPackage } from '#lint/development-package.js';
import { StartupError } from '../contract/index.js';
import { accessRules } from './access-rules.js';
import { connectionRules } from './connection-rules.js';
import { dataRules } from './data-rules.js';
import type { Compiler } from './file-facts.js';
import { exportsRule, importRules } from './import-rules.js';
import { readFolders } from './folder-modules.js';
import { readWorkspace, type Workspace } from './module.js';
import { nameRules } from './name-rules.js';
import { usesRules } from './uses-rules.js';
import type { Verification, BoundaryViolation } from './violation.js';
import { findPackages } from './workspace.js';

const RULES: readonly ((workspace: Workspace) => readonly BoundaryViolation[])[] = [
  exportsRule,
  importRules,
  usesRules,
  dataRules,
  connectionRules,
  nameRules,
  accessRules,
];

/**
 * Checks the boundaries of all modules of an application by reading their sources, without running them. Finds the
 * modules by itself and collects every violation, as Spring Modulith's `verify()` does: the packages of an npm or pnpm
 * workspace that are modules, or, if there is none, folders with a `contract` in them, as in an application of one
 * package or in Nest's monorepo mode.
 * @param root the folder of the workspace or of the application, with its package.json.
 * @throws StartupError when there is no module, or TypeScript, which reads the sources, is not installed.
 */
export async function verifyWorkspace(root: string): Promise<Verification> {
  const workspace = await readSources(root);
  const violations = RULES.flatMap((rule) => rule(workspace)).sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line,
  );
  return {
    modules: workspace.modules.map(({ module }) => module).sort(),
    files: workspace.packages.reduce((sum, { files }) => sum + files.length, 0),
    violations,
  };
}

/** Reads the sources of all modules. @throws StartupError when there is no module, or no TypeScript. */
export async function readSources(root: string): Promise<Workspace> {
  const compiler = await loadCompiler(root);
  let workspace = readWorkspace(root, findPackages(root), compiler);
  if (workspace.modules.length === 0) workspace = readFolders(root, compiler);
  if (workspace.modules.length > 0) return workspace;
  throw new StartupError(
    'no-modules',
    `there is no module in ${root}`,
    "A module is a package of a workspace that exports './contract', or a folder with a `contract` in it. Run this in the folder of the application, or name it.",
  );
}

/**
 * Loads TypeScript, as the kit, the application, or whoever runs this has it.
 * @param find where it is.
 */
export async function loadCompiler(root: string, find = developmentPackage): Promise<Compiler> {
  const entry = find('typescript', root) ?? find('typescript');
  if (entry !== undefined) return ((await import(pathToFileURL(entry).href)) as { default: Compiler }).default;
  throw new StartupError(
    'typescript',
    `TypeScript, which reads the sources, is not installed in ${root}`,
    'Install it: npm install --save-dev typescript. A production image does not need it.',
  );
}

import { StartupError } from '../contract/index.js';
import { dataRules } from './data-rules.js';
import type { Compiler } from './file-facts.js';
import { exportsRule, importRules } from './import-rules.js';
import { readWorkspace, type Workspace } from './module.js';
import { nameRules } from './name-rules.js';
import { usesRules } from './uses-rules.js';
import type { Verification, BoundaryViolation } from './violation.js';
import { findPackages } from './workspace.js';

const RULES: readonly ((workspace: Workspace) => readonly BoundaryViolation[])[] = [exportsRule, importRules, usesRules, dataRules, nameRules];

/**
 * Checks the boundaries of all modules of an npm workspace by reading their sources; nothing of them runs. Finds the modules by
 * itself and collects every violation, as Spring Modulith's `verify()` does.
 * @param root the workspace's folder, whose package.json has `workspaces`.
 * @throws StartupError when it is no workspace or TypeScript, which reads the sources, is not installed.
 */
export async function verifyWorkspace(root: string): Promise<Verification> {
  const workspace = readWorkspace(root, findPackages(root), await loadCompiler());
  const violations = RULES.flatMap((rule) => rule(workspace)).sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
  return {
    modules: workspace.modules.map(({ module }) => module).sort(),
    files: workspace.packages.reduce((sum, { files }) => sum + files.length, 0),
    violations,
  };
}

/** @param load how TypeScript is loaded; default by its name. */
export async function loadCompiler(load: () => Promise<{ default: Compiler }> = () => import('typescript')): Promise<Compiler> {
  try {
    return (await load()).default;
  } catch (error) {
    throw new StartupError('typescript', `TypeScript, which reads the sources, cannot be loaded: ${(error as Error).message}`, 'Install it: npm install --save-dev typescript. A production image has no need of it.');
  }
}

/**
 * The check of an application's boundaries, as `fledge verify` runs it, and the writing of a new migration into its
 * sources. Loads TypeScript, but not Nest.
 * @packageDocumentation
 */
export {
  BASELINE_FILE,
  compareWithBaseline,
  readBaseline,
  writeBaseline,
  type Comparison,
  type FrozenViolation,
} from './baseline.js';
export { packageFolders, workspacePatterns } from '#lint/packages.js';
export { writeMigration, type NewMigration, type WrittenMigration } from './migration-file.js';
export { verifyWorkspace } from './verify-workspace.js';
export { describeVerification, type Rule, type Verification, type BoundaryViolation } from './violation.js';

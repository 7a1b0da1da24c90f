/**
 * The check of a workspace's boundaries, as `fledge verify` runs it. Loads TypeScript, and nothing of Nest.
 * @packageDocumentation
 */
export { verifyWorkspace } from './verify-workspace.js';
export { describeVerification, type Rule, type Verification, type BoundaryViolation } from './violation.js';

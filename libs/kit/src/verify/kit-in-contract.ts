import { isMoreOfKit } from '#lint/workspace.js';
import type { ImportFact } from './file-facts.js';
import type { Module, SourceFile } from './module.js';
import type { BoundaryViolation } from './violation.js';
import { KIT_PACKAGE } from './workspace.js';

/** Checks what a contract imports of the kit, which is installed and not part of the workspace. */
export function kitInContract(
  module: Module,
  source: SourceFile,
  { specifier, line }: ImportFact,
): BoundaryViolation | undefined {
  if (source.area !== 'contract' || !isMoreOfKit(specifier)) return undefined;
  return {
    rule: 'contract-alone',
    source: module.module,
    target: KIT_PACKAGE,
    file: source.path,
    line,
    subject: specifier,
    fact: `the contract of ${module.module} imports '${specifier}'`,
    allowed: `its own files, '${KIT_PACKAGE}/contract', other contracts`,
    cure: `Import from '${KIT_PACKAGE}/contract'; what is not there does not belong in a contract.`,
  };
}

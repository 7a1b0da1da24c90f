import { posix } from 'node:path';
import { APP_MODULE, APPLICATION, MODULE_LIST } from '#lint/module-folders.js';
import type { ImportFact } from './file-facts.js';
import { hasContractFolder } from './folder-modules.js';
import { kitInContract } from './kit-in-contract.js';
import type { Module, ReadPackage, SourceFile, Workspace } from './module.js';
import type { BoundaryViolation } from './violation.js';
import { KIT_PACKAGE } from './workspace.js';

/** Whether a file is the list of all modules, which does not belong to the module of its folder. */
export function isModuleList(module: ReadPackage, { path }: SourceFile): boolean {
  return APPLICATION.test(path) || (MODULE_LIST.test(posix.basename(path)) && posix.dirname(path) === module.folder);
}

/** Which imports are allowed between the folders of one package. Tests may import what they test. */
export function folderImport(
  pkg: ReadPackage,
  module: Module | undefined,
  source: SourceFile,
  fact: ImportFact,
  workspace: Workspace,
): BoundaryViolation | undefined {
  if (source.area === 'test') return undefined;
  const name = posix.basename(source.path);
  if (module === undefined && (MODULE_LIST.test(name) || APP_MODULE.test(name))) return undefined;
  const target = workspace.targetOf(source, fact.specifier);
  if (!target) return module && kitInContract(module, source, fact);
  const other = workspace.moduleOf(target.package);
  if (other === undefined || target.key === './contract') return undefined;
  if (
    module &&
    isModuleList(module, source) &&
    (!hasContractFolder(module) || other.folder.startsWith(`${module.folder}/`))
  )
    return undefined;
  const at = { source: module?.module ?? pkg.name, target: other.module, file: source.path, line: fact.line };
  if (other.folder === module?.folder) {
    if (source.area !== 'contract') return undefined;
    return {
      ...at,
      rule: 'contract-alone',
      subject: fact.specifier,
      fact: `the contract of ${module.module} imports '${fact.specifier}', which is the module's inside`,
      allowed: `its own files, '${KIT_PACKAGE}/contract', other contracts`,
      cure: 'Move what the contract needs into contract/; the rest of the module may import it from there.',
    };
  }
  if (module) {
    return {
      ...at,
      rule: 'contract-only',
      subject: fact.specifier,
      fact: `${module.module} imports '${fact.specifier}', which is inside of ${other.module}`,
      allowed: `${other.folder}/contract`,
      cure: `Call ${other.module} through CommandBus or QueryBus by a message of its contract; if there is none, add it there.`,
    };
  }
  return {
    ...at,
    rule: 'module-list-only',
    subject: fact.specifier,
    fact: `${source.path} imports the code of ${other.module}`,
    allowed: `${other.folder}/contract; its code only in the application's list of modules, application.ts or modules.ts`,
    cure: 'Take the module from that list, or import its contract.',
  };
}

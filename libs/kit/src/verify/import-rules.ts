import { posix } from 'node:path';
import type { ImportFact } from './file-facts.js';
import { folderImport } from './folder-imports.js';
import { kitInContract } from './kit-in-contract.js';
import type { Module, PackageTarget, ReadPackage, SourceFile, Workspace } from './module.js';
import type { BoundaryViolation } from './violation.js';
import { KIT_PACKAGE } from './workspace.js';

/** The file of an application that may load modules. */
const MODULE_LIST = 'modules.ts';

/** A module's package exports only its contract and its Nest module. */
export function exportsRule({ modules }: Workspace): readonly BoundaryViolation[] {
  return modules
    .filter(
      ({ isFolder, exports = [] }) =>
        !isFolder && (exports.length !== 2 || !exports.includes('.') || !exports.includes('./contract')),
    )
    .map((module) => ({
      rule: 'exports',
      source: module.module,
      target: module.module,
      file: `${module.folder}/package.json`,
      line: module.exportsLine,
      fact: `${module.name} exports ${module.exports?.map((key) => `'${key}'`).join(', ') ?? 'everything (it has no "exports")'}`,
      allowed: `exactly './contract' and '.'`,
      cure: 'Let "exports" in package.json name these two; what others need belongs in the contract.',
    }));
}

/** Which imports are allowed between packages and within a module. */
export function importRules(workspace: Workspace): readonly BoundaryViolation[] {
  const found: (BoundaryViolation | undefined)[] = [];
  for (const pkg of workspace.packages) {
    const module = workspace.moduleOf(pkg);
    for (const source of pkg.sources) {
      for (const fact of source.imports) {
        if (pkg.isFolder) found.push(folderImport(pkg, module, source, fact, workspace));
        else if (fact.specifier.startsWith('.')) found.push(relativeImport(pkg, module, source, fact, workspace));
        else found.push(packageImport(pkg, module, source, fact, workspace));
      }
      if (module && source.area !== 'test')
        for (const { name, line } of source.computed) found.push(computedImport(module, source.path, name, line));
    }
  }
  return found.filter((violation) => violation !== undefined);
}

/** Reports a computed import of a module: neither this check nor lint can follow it. */
function computedImport({ module }: Module, file: string, name: string, line: number): BoundaryViolation {
  return {
    rule: 'computed-import',
    source: module,
    target: module,
    file,
    line,
    subject: name,
    fact: `${module} imports what only running it tells: ${name}`,
    allowed: 'imports with a literal name',
    cure: 'Write the name as a string literal; if there are several, write an import for each.',
  };
}

function relativeImport(
  pkg: ReadPackage,
  module: Module | undefined,
  source: SourceFile,
  fact: ImportFact,
  workspace: Workspace,
): BoundaryViolation | undefined {
  const path = posix.join(posix.dirname(source.path), fact.specifier);
  const at = { source: module?.module ?? pkg.name, file: source.path, line: fact.line };
  if (!path.startsWith(`${pkg.folder}/`)) {
    const other = workspace.packages.find(({ folder }) => path.startsWith(`${folder}/`));
    const target = other && (workspace.moduleOf(other)?.module ?? other.name);
    // configuration at the root belongs to no package
    if (!other && !module) return undefined;
    return {
      ...at,
      rule: 'leaves-package',
      target: target ?? path,
      subject: fact.specifier,
      fact: `'${fact.specifier}' leaves the package ${pkg.name} for ${path}`,
      allowed: `files below ${pkg.folder}/, and packages by their names`,
      cure:
        other && workspace.moduleOf(other)
          ? `Import '${other.name}/contract', and name its contract in \`uses\`.`
          : 'Import the package by its name.',
    };
  }
  if (module && source.area === 'contract' && !path.startsWith(`${pkg.folder}/contract/`)) {
    return {
      ...at,
      rule: 'contract-alone',
      target: module.module,
      subject: fact.specifier,
      fact: `the contract of ${module.module} imports '${fact.specifier}', which is the module's inside`,
      allowed: `files below ${pkg.folder}/contract/, '${KIT_PACKAGE}/contract', other contracts`,
      cure: 'Move what the contract needs into contract/; the rest of the module may import it from there.',
    };
  }
  return undefined;
}

function packageImport(
  pkg: ReadPackage,
  module: Module | undefined,
  source: SourceFile,
  fact: ImportFact,
  workspace: Workspace,
): BoundaryViolation | undefined {
  const kit = module && kitInContract(module, source, fact);
  if (kit) return kit;
  const target = workspace.targetOf(source, fact.specifier);
  if (!target) return undefined;
  const other = workspace.moduleOf(target.package);
  const at = {
    source: module?.module ?? pkg.name,
    target: other?.module ?? target.package.name,
    file: source.path,
    line: fact.line,
  };
  if (module && source.area === 'contract') {
    const flaw = contractImport(module, fact, target, other);
    if (flaw) return { ...at, rule: 'contract-alone', ...flaw };
  }
  if (other && other.name === module?.name) return undefined;
  if (other && module && target.key !== './contract') {
    return {
      ...at,
      rule: 'contract-only',
      subject: fact.specifier,
      fact: `${module.module} imports '${fact.specifier}' of ${other.module}`,
      allowed: `'${other.name}/contract'`,
      cure: `Call ${other.module} through CommandBus or QueryBus by a message of its contract; if there is none, add it there.`,
    };
  }
  if (target.package.exports && !target.package.exports.includes(target.key)) {
    return {
      ...at,
      rule: 'deep-import',
      subject: fact.specifier,
      fact: `'${fact.specifier}' reaches into ${target.package.name}`,
      allowed: target.package.exports.map((key) => `'${posix.join(target.package.name, key)}'`).join(', '),
      cure: 'Import what the package exports.',
    };
  }
  if (other && target.key === '.' && posix.basename(source.path) !== MODULE_LIST) {
    return {
      ...at,
      rule: 'module-list-only',
      subject: fact.specifier,
      fact: `${source.path} imports the code of ${other.module}`,
      allowed: `'${other.name}/contract'; '${other.name}' only in an application's ${MODULE_LIST}`,
      cure: `Take the module from the list in ${MODULE_LIST}, or import its contract.`,
    };
  }
  return undefined;
}

function contractImport(
  module: Module,
  fact: ImportFact,
  target: PackageTarget,
  other: Module | undefined,
): Pick<BoundaryViolation, 'subject' | 'fact' | 'allowed' | 'cure'> | undefined {
  if (other?.name !== module.name || target.key === './contract') return undefined;
  return {
    subject: fact.specifier,
    fact: `the contract of ${module.module} imports '${fact.specifier}'`,
    allowed: `its own files, '${KIT_PACKAGE}/contract', other contracts`,
    cure: 'Move what the contract needs into contract/.',
  };
}

import type { UseFact } from './file-facts.js';
import type { Module, SourceFile, Workspace } from './module.js';
import type { BoundaryViolation } from './violation.js';

/**
 * Every command, query and route says who may use it, as the start wants it unless the application has `access: 'open'`.
 * What is read from sources alone may miss routes that a controller inherits; the start finds them.
 */
export function accessRules({ packages, modules }: Workspace): readonly BoundaryViolation[] {
  const shared = packages.filter(
    (pkg) => !modules.some(({ folder, name }) => folder === pkg.folder && name === pkg.name),
  );
  const outside = shared.flatMap(({ sources }) => sources.filter(isCode));
  const all = [...outside, ...modules.flatMap(({ sources }) => sources.filter(isCode))];
  if (all.some(({ opened }) => opened.length > 0)) return [];
  // by the `imports` of the application, each module has it
  const isForAll = outside.some(({ authentications }) => authentications.length > 0);
  return modules.flatMap((module) => [...undeclaredMessages(module), ...(isForAll ? [] : undeclaredRoutes(module))]);
}

function undeclaredMessages(module: Module): readonly BoundaryViolation[] {
  const code = module.sources.filter(isCode);
  if (code.some(({ contracts }) => contracts.some(({ hasAccess }) => hasAccess))) return [];
  return code.flatMap((source) =>
    undeclared(source.messages).map((message) => ({
      ...at(module, source, message),
      fact: `nothing says who may send '${message.name}'`,
      allowed: 'messages with `access`, their own or that of their contract',
      cure: `Write \`access: { identity: 'optional' }\` in defineContract of ${module.module}, or a narrower rule there or in the message's decorator.`,
    })),
  );
}

function undeclaredRoutes(module: Module): readonly BoundaryViolation[] {
  const code = module.sources.filter(isCode);
  if (code.some(({ authentications }) => authentications.length > 0)) return [];
  return code.flatMap((source) =>
    undeclared(source.routes).map((route) => ({
      ...at(module, source, route),
      fact: `nothing says who may use the route ${route.name}`,
      allowed: 'routes of a module that imports Authentication, and @Public() ones',
      cure: `Import Authentication.verifiedBy(…) or Authentication.by(…) in the module, or write @Public(); to leave all to the application's own guards, add access: 'open' to the Application.`,
    })),
  );
}

function undeclared(facts: readonly UseFact[]): readonly UseFact[] {
  return facts.filter(({ hasAccess }) => !hasAccess);
}

function at({ module }: Module, { path }: SourceFile, { name, line }: UseFact) {
  return { rule: 'access-undeclared', source: module, target: module, file: path, line, subject: name } as const;
}

function isCode({ area }: SourceFile): boolean {
  return area !== 'test';
}

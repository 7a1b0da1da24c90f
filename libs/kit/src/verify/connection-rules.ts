import { importOf, type Module, type SourceFile, type Workspace } from './module.js';
import { roleChanges } from './sql-names.js';
import type { BoundaryViolation } from './violation.js';

/** Packages that open connections to a database; the kit opens those of a module. */
const CLIENTS = new Set([
  'pg',
  'pg-pool',
  'pg-native',
  'pg-promise',
  'pg-cursor',
  'postgres',
  'slonik',
  'knex',
  'sequelize',
  '@prisma/client',
]);

/** A module works on the connections that the host opened for it, as the user that it has there. */
export function connectionRules(workspace: Workspace): readonly BoundaryViolation[] {
  return workspace.modules.flatMap((module) =>
    module.sources
      .filter(({ area }) => area !== 'test')
      .flatMap((source) => [
        ...ownClients(module, source),
        ...ownSources(module, source),
        ...changedRoles(module, source),
      ]),
  );
}

function ownClients(module: Module, source: SourceFile): readonly BoundaryViolation[] {
  return source.imports
    .filter(({ specifier, isType }) => !isType && CLIENTS.has(specifier))
    .map(({ specifier, line }) =>
      ownDatabase(module, source, line, specifier, `imports the database client '${specifier}'`),
    );
}

function ownSources(module: Module, source: SourceFile): readonly BoundaryViolation[] {
  return source.dataSources
    .filter(({ name }) => importOf(source, name)?.specifier === 'typeorm')
    .map(({ name, line }) => ownDatabase(module, source, line, name, `opens a database of its own by ${name}`));
}

function ownDatabase(
  module: Module,
  { path }: SourceFile,
  line: number,
  subject: string,
  does: string,
): BoundaryViolation {
  return {
    rule: 'own-database',
    source: module.module,
    target: module.module,
    file: path,
    line,
    subject,
    fact: `${module.module} ${does}`,
    allowed: "the module's data source, which the host opens with its login",
    cure: 'Inject DataSource, EntityManager or a repository.',
  };
}

function changedRoles(module: Module, source: SourceFile): readonly BoundaryViolation[] {
  return source.texts.flatMap(({ name: text, line }) =>
    roleChanges(text).map(({ text: statement, linesBelow }) => ({
      rule: 'changed-role' as const,
      source: module.module,
      target: module.module,
      file: source.path,
      line: line + linesBelow,
      subject: statement,
      fact: `SQL of ${module.module} changes who it is: ${statement}`,
      allowed: 'the login and the role that the host opened the connection with',
      cure: 'Remove it. What needs other rights is done by an administrator, or by the module that has them.',
    })),
  );
}

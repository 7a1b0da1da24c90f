import { importOf, type Module, type SourceFile, type Workspace } from './module.js';
import { schemaNames } from './sql-names.js';
import type { BoundaryViolation } from './violation.js';

/** A module's tables, entities and SQL stay in its own schema. */
export function dataRules(workspace: Workspace): readonly BoundaryViolation[] {
  return workspace.modules.flatMap((module) =>
    module.sources
      .filter(({ area }) => area !== 'test')
      .flatMap((source) => [
        ...foreignSchemas(module, source),
        ...foreignSql(workspace, module, source),
        ...foreignEntities(workspace, module, source),
      ]),
  );
}

function foreignSchemas(module: Module, source: SourceFile): readonly BoundaryViolation[] {
  return source.schemas
    .filter(({ name }) => name !== module.module)
    .map(({ name, line }) => ({
      rule: 'foreign-schema',
      source: module.module,
      target: name,
      file: source.path,
      line,
      fact: `${module.module} declares a table in the schema '${name}'`,
      allowed: `tables of its own schema, without naming it`,
      cure: `Leave the schema out. Get the data of another module through its contract.`,
    }));
}

function foreignSql(workspace: Workspace, module: Module, source: SourceFile): readonly BoundaryViolation[] {
  const others = workspace.modules.map((other) => other.module).filter((name) => name !== module.module);
  const seen = new Set<string>();
  return source.texts.flatMap(({ name: text, line }) =>
    schemaNames(text, others).flatMap(({ schema, text: table, isReference, linesBelow }): BoundaryViolation[] => {
      const at = line + linesBelow;
      // a condition of a query builder is read twice: alone, and as part of an SQL text
      if (seen.has(`${at} ${table}`)) return [];
      seen.add(`${at} ${table}`);
      return [
        {
          rule: isReference ? 'foreign-key' : 'foreign-schema',
          source: module.module,
          target: schema,
          file: source.path,
          line: at,
          subject: table,
          fact: isReference
            ? `a foreign key of ${module.module} leads to ${table}, which belongs to ${schema}`
            : `SQL of ${module.module} names ${table}, which belongs to ${schema}`,
          allowed: `tables of its own schema`,
          cure: isReference
            ? `Keep the id as a plain column, and ask the contract of ${schema} where it matters.`
            : `Ask the contract of ${schema}, or keep a copy of what its events report.`,
        },
      ];
    }),
  );
}

function foreignEntities(workspace: Workspace, module: Module, source: SourceFile): readonly BoundaryViolation[] {
  const public_ = source.area === 'contract' ? source.entities : [];
  const taken = source.entityUses.flatMap(({ name, line }) => {
    const specifier = importOf(source, name)?.specifier;
    const target = specifier === undefined ? undefined : workspace.targetOf(source, specifier);
    const owner = target && workspace.moduleOf(target.package);
    return owner && owner.name !== module.name ? [{ name, line, owner }] : [];
  });
  return [
    ...public_.map(({ name, line }): BoundaryViolation => ({
      rule: 'foreign-entity',
      source: module.module,
      target: module.module,
      file: source.path,
      line,
      subject: name,
      fact: `the contract of ${module.module} holds the entity ${name}, with which others would reach its tables`,
      allowed: 'messages, views and errors',
      cure: 'Move the entity into src/storage, and return a view.',
    })),
    ...taken.map(({ name, line, owner }): BoundaryViolation => ({
      rule: 'foreign-entity',
      source: module.module,
      target: owner.module,
      file: source.path,
      line,
      subject: name,
      fact: `${module.module} uses ${name} of ${owner.module} as an entity`,
      allowed: 'entities of its own',
      cure: `Keep the id as a plain column, and ask the contract of ${owner.module} for the rest.`,
    })),
  ];
}

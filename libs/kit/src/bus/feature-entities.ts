import type { DynamicModule, ForwardReference, Provider, Type } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { StartupError } from '../contract/index.js';

type Import = Type | DynamicModule | ForwardReference | Promise<DynamicModule>;

/** How @nestjs/typeorm marks the entity whose repository it provides. */
type RepositoryProvider = Provider & { readonly targetEntitySchema?: { readonly target: Type | string } };

/**
 * The entities that a module, or a module that it imports, names in the stock way: `TypeOrmModule.forFeature([Row])`.
 * An `EntitySchema` leaves no trace there: name it in `entities` of the bounded module.
 * @throws StartupError for `TypeOrmModule.forRoot`: it would bypass the module's own schema and role.
 */
export function featureEntities(cls: Type): Type[] {
  const found = new Set<Type>();
  walk(cls, cls, found, new Set());
  return [...found];
}

function walk(root: Type, at: Type, found: Set<Type>, seen: Set<unknown>): void {
  if (seen.has(at)) return;
  seen.add(at);
  for (const imported of (Reflect.getMetadata('imports', at) as Import[] | undefined) ?? [])
    visit(root, imported, found, seen);
}

function visit(root: Type, imported: Import, found: Set<Type>, seen: Set<unknown>): void {
  if (typeof imported === 'function') return walk(root, imported, found, seen);
  if ('forwardRef' in imported) return walk(root, (imported.forwardRef as () => Type)(), found, seen);
  if (!('module' in imported)) return;
  if (imported.module === TypeOrmModule) return read(root, imported, found);
  walk(root, imported.module, found, seen);
  for (const inner of (imported.imports ?? []) as Import[]) visit(root, inner, found, seen);
}

function read(root: Type, { imports = [], providers = [] }: DynamicModule, found: Set<Type>): void {
  if (imports.length > 0) {
    throw new StartupError(
      'own-data-source',
      `${root.name} opens its own database with TypeOrmModule.forRoot`,
      'Remove it and name the migrations in @BoundedModule: the host opens a data source for each module, on its own schema.',
    );
  }
  for (const { targetEntitySchema } of providers as RepositoryProvider[]) {
    if (typeof targetEntitySchema?.target === 'function') found.add(targetEntitySchema.target);
  }
}

import { type DynamicModule, Module } from '@nestjs/common';
import type { BoundedModuleSpec } from '../bus/index.js';
import {
  moduleDataImports,
  type ModuleDataOptions,
  type ModuleDataSource,
  type ModuleMigrations,
  openModuleData,
} from '../data/index.js';
import { DeadLetters } from './operations/dead-letters.js';
import { Processes } from './operations/processes.js';
import { OLDER_MIGRATIONS } from './storage/older-schema.js';
import { MESSAGING_MIGRATIONS } from './storage/schema.js';
import { sqlOf } from './storage/sql.js';

@Module({})
class ModuleOperations {}

/** Whether a module has a schema: it has entities or migrations, or publishes events, which go through its outbox. */
export function keepsData({ entities, migrations, contract }: BoundedModuleSpec): boolean {
  return entities.length > 0 || migrations.length > 0 || contract.events.length > 0;
}

/** Where and how the data of a module is opened. */
export type DataPlace = Pick<ModuleDataOptions, 'url' | 'poolMax' | 'logins'>;

/** Opens the data of a module. The kit's messaging tables are created before the module's own. */
export function openDataOf(spec: BoundedModuleSpec, { url, poolMax, logins }: DataPlace): Promise<ModuleDataSource> {
  return openModuleData({ ...migrationsOf(spec, url), poolMax, logins });
}

/** The migrations of a module's schema: the kit's, which run first, and its own. */
export function migrationsOf({ contract, entities, migrations }: BoundedModuleSpec, url: string): ModuleMigrations {
  return {
    module: contract.name,
    url,
    entities,
    migrations: [...MESSAGING_MIGRATIONS, ...migrations],
    kit: MESSAGING_MIGRATIONS,
    kitNames: new Set([...OLDER_MIGRATIONS, ...MESSAGING_MIGRATIONS].map(({ name }) => name)),
  };
}

/** What the container of a module imports for its data; nothing for a module without a schema. */
export function dataImportsOf(spec: BoundedModuleSpec, source: ModuleDataSource | undefined): DynamicModule[] {
  return source ? [...moduleDataImports(source, spec.entities), operationsOf(source)] : [];
}

/** Makes `DeadLetters` and `Processes` injectable in the module. */
function operationsOf(source: ModuleDataSource): DynamicModule {
  const sql = sqlOf(source);
  const providers = [
    { provide: Processes, useFactory: () => new Processes(sql) },
    { provide: DeadLetters, useFactory: () => new DeadLetters(sql) },
  ];
  return { module: ModuleOperations, global: true, providers, exports: providers.map(({ provide }) => provide) };
}

import { type DynamicModule, Module } from '@nestjs/common';
import type { ModuleDataSource } from '../data/index.js';
import { DeadLetters } from './operations/dead-letters.js';
import { Processes } from './operations/processes.js';
import { sqlOf } from './storage/sql.js';

@Module({})
class ModuleOperations {}

/**
 * What a container imports so that those who look after its module's messages can be injected: `DeadLetters` and
 * `Processes`.
 */
export function messagingImports(source: ModuleDataSource): DynamicModule {
  const sql = sqlOf(source);
  const providers = [
    { provide: Processes, useFactory: () => new Processes(sql) },
    { provide: DeadLetters, useFactory: () => new DeadLetters(sql) },
  ];
  return { module: ModuleOperations, global: true, providers, exports: providers.map(({ provide }) => provide) };
}

import { type DynamicModule, Module } from '@nestjs/common';
import type { ModuleDataSource } from '../data/index.js';
import { DeadLetters } from './dead-letters.js';
import { Processes } from './process/processes.js';
import { sqlOf } from './sql.js';

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

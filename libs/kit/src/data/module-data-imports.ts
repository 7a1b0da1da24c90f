import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { getDataSourceToken, getEntityManagerToken, TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { EntityClass } from './open-module-data.js';

/** Holds the data source of one container, and closes it with the container. */
@Module({})
class ModuleData implements OnApplicationShutdown {
  constructor(private readonly source: DataSource) {}

  async onApplicationShutdown(): Promise<void> {
    if (this.source.isInitialized) await this.source.destroy();
  }
}

/**
 * The imports of a container with which stock injection finds a module's data: `@InjectRepository(Row)`, `DataSource`,
 * `@InjectDataSource()`, `EntityManager`. Closing the application closes the data source.
 *
 * Replaces `TypeOrmModule.forRoot`, which keeps one list of data source names per process and warns about every module
 * after the first.
 */
export function moduleDataImports(dataSource: DataSource, entities: readonly EntityClass[]): DynamicModule[] {
  const providers = [
    { provide: getDataSourceToken(), useFactory: () => dataSource },
    { provide: getEntityManagerToken(), useFactory: () => dataSource.manager },
  ];
  return [
    { module: ModuleData, global: true, providers, exports: providers.map(({ provide }) => provide) },
    TypeOrmModule.forFeature([...entities]),
  ];
}

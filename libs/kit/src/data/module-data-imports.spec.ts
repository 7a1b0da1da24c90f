import 'reflect-metadata';
import { ConsoleLogger, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getDataSourceToken, InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import {
  DataSource,
  Entity,
  EntityManager,
  PrimaryColumn,
  Repository,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.js';
import { moduleDataImports, openModuleData } from './index.js';

@Entity('thing')
class ThingRow {
  @PrimaryColumn() id!: string;
}

class Things1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table thing (id text primary key)');
  }
  async down(): Promise<void> {}
}

/** A service like in any Nest app. */
@Injectable()
class Things {
  constructor(
    @InjectRepository(ThingRow) readonly rows: Repository<ThingRow>,
    readonly source: DataSource,
    @InjectDataSource() readonly named: DataSource,
    readonly manager: EntityManager,
    @Inject(getDataSourceToken()) readonly token: DataSource,
  ) {}

  async addBoth(first: string, second: string): Promise<void> {
    await this.source.transaction(async () => {
      await this.rows.insert({ id: first });
      await this.manager.insert(ThingRow, { id: second });
    });
  }
}

/** Collects the errors and warnings of Nest, TypeORM and their modules. */
class Complaints extends ConsoleLogger {
  readonly said: unknown[] = [];
  override log(): void {}
  override warn(message: unknown): void {
    this.said.push(message);
  }
  override error(message: unknown): void {
    this.said.push(message);
  }
}

const complaints = new Complaints();
let database: FreshDatabase;

beforeAll(async () => {
  database = await freshDatabase();
});

afterAll(() => database.drop());

describe('stock injection in a module', () => {
  it('finds its data, joins its transactions, and the data source ends with the application; two modules in one process', async () => {
    const apps = await Promise.all(['left', 'right'].map(startWith));
    const [left, right] = apps.map((app) => app.get(Things));
    expect(left?.source).toBe(left?.named);
    expect(left?.source).toBe(left?.token);
    expect(left?.manager).toBe(left?.source.manager);

    await left?.addBoth('a', 'b');
    expect(await left?.rows.count()).toBe(2);
    expect(await right?.rows.count()).toBe(0);
    await expect(left?.addBoth('c', 'a')).rejects.toThrow('duplicate key');
    expect(await left?.rows.count()).toBe(2);

    await apps[0]?.close();
    expect(left?.source.isInitialized).toBe(false);
    expect(right?.source.isInitialized).toBe(true);
    await apps[1]?.close();
    expect(right?.source.isInitialized).toBe(false);
    expect(complaints.said).toEqual([]);
  });

  it('closes without errors when the data source is already closed', async () => {
    const app = await startWith('left');
    await app.get(Things).source.destroy();
    await app.close();
    expect(complaints.said).toEqual([]);
  });
});

async function startWith(module: string) {
  const source = await openModuleData({
    module,
    url: database.url,
    entities: [ThingRow],
    migrations: [Things1700000000000],
  });

  @Module({ imports: moduleDataImports(source, [ThingRow]), providers: [Things] })
  class Container {}

  return NestFactory.createApplicationContext(Container, { logger: complaints });
}

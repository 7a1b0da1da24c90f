import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { CatalogSettings } from '../settings.js';
import { CategoryRepository } from '../storage/category.repository.js';
import { ProductRepository } from '../storage/product.repository.js';
import { DEMO_CATEGORIES, demoProducts } from './demo-products.js';

/** Any number that no other lock of this database uses; the digits are the module's initials in ASCII. */
const SEED_LOCK = 67_65_84;

/** With the setting `demo`: fills an empty catalog, once, even if several replicas start together. */
@Injectable()
export class DemoCatalog implements OnApplicationBootstrap {
  private readonly logger = new Logger(DemoCatalog.name);

  constructor(
    private readonly settings: CatalogSettings,
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly categories: CategoryRepository,
    private readonly products: ProductRepository,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.settings.demo) return;
    await this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [SEED_LOCK]);
      if (await this.products.any()) return;
      await this.categories.add(DEMO_CATEGORIES);
      const added = await this.products.add(demoProducts(randomUUID, new Date()));
      this.logger.log(`Seeded ${added} demonstration products in ${DEMO_CATEGORIES.length} categories`);
    });
  }
}

import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, MoreThan, Repository, type SelectQueryBuilder } from 'typeorm';
import type { Product, ProductChange } from '../domain/product.js';
import type { Place, ProductOrder, Sort } from '../domain/product-order.js';
import { ProductRow } from './product.row.js';

/** Which products to list, and from where. */
export interface ProductFilter {
  readonly categoryId?: string | undefined;
  /** Minor units, both inclusive. */
  readonly priceMinorMin?: number | undefined;
  readonly priceMinorMax?: number | undefined;
  /** What a person types into a search box: words, "phrases", -exclusions, or. */
  readonly words?: string | undefined;
  readonly order: ProductOrder;
  readonly after?: Place | undefined;
  readonly limit: number;
}

/** The expression that a sort compares, and the type of its value. */
const KEYS: Readonly<Record<Sort, { expression: string; type: string }>> = {
  name: { expression: 'p.name', type: 'text' },
  price: { expression: 'p.price_minor', type: 'integer' },
  newest: { expression: 'p.created_at', type: 'timestamptz' },
  relevance: { expression: "ts_rank(p.search, websearch_to_tsquery('english', :words))", type: 'real' },
};

/** Products by id, and in lists. */
@Injectable()
export class ProductRepository {
  constructor(@InjectRepository(ProductRow) private readonly rows: Repository<ProductRow>) {}

  /** The product with this id. */
  async find(id: string): Promise<Product | undefined> {
    return (await this.rows.findOneBy({ id })) ?? undefined;
  }

  /** The products that exist among these ids, in no particular order. */
  findAll(ids: readonly string[]): Promise<Product[]> {
    return this.rows.findBy({ id: In(ids) });
  }

  /** All products by id, starting after `afterId`. */
  walk(afterId: string | undefined, limit: number): Promise<Product[]> {
    return this.rows.find({
      ...(afterId !== undefined && { where: { id: MoreThan(afterId) } }),
      order: { id: 'ASC' },
      take: limit,
    });
  }

  /** Whether there is any product. */
  async any(): Promise<boolean> {
    return (await this.rows.find({ take: 1, select: { id: true } })).length > 0;
  }

  /** Stores new products; returns how many had a free sku. */
  async add(products: readonly Product[]): Promise<number> {
    const result = await this.rows
      .createQueryBuilder()
      .insert()
      .values(products.map((product) => ({ ...product })))
      .orIgnore()
      .returning('id')
      .execute();
    return (result.raw as unknown[]).length;
  }

  /**
   * Changes a product; returns the changed product. `check` sees the one that is changed, and may throw; no other change
   * comes in between.
   */
  change(id: string, change: ProductChange, check: (current: Product) => void): Promise<Product | undefined> {
    return this.rows.manager.transaction(async (manager) => {
      const row = await manager.findOne(ProductRow, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (!row) return undefined;
      check(row);
      // it tells versions apart, also of changes in one millisecond and after a clock was set back
      const updatedAt = new Date(Math.max(Date.now(), row.updatedAt.getTime() + 1));
      await manager.update(ProductRow, { id }, { ...change, updatedAt });
      return manager.findOneByOrFail(ProductRow, { id });
    });
  }

  /**
   * Products on sale, in order, after a place: `(value, id)` is compared as a pair, so a product that is added or
   * removed meanwhile neither repeats nor hides another. Each product comes with its own place.
   */
  async list(filter: ProductFilter): Promise<{ product: Product; place: Place }[]> {
    const { order, after, limit, words } = filter;
    const key = KEYS[order.sort];
    const down = order.direction === 'desc';
    const query = this.rows
      .createQueryBuilder('p')
      .where('p.active')
      .addSelect(`CAST(${key.expression} AS text)`, 'place');
    restrict(query, filter);
    if (after) {
      query.andWhere(`(${key.expression}, p.id) ${down ? '<' : '>'} (CAST(:value AS ${key.type}), CAST(:id AS uuid))`, {
        value: after.value,
        id: after.id,
      });
    }
    if (words !== undefined) query.setParameter('words', words);
    const { entities, raw } = await query
      .orderBy(key.expression, down ? 'DESC' : 'ASC')
      .addOrderBy('p.id', down ? 'DESC' : 'ASC')
      .limit(limit)
      .getRawAndEntities<{ place: string }>();
    return entities.map((product, i) => ({
      product,
      place: { ...order, value: valueOf(order.sort, product, raw[i]?.place ?? ''), id: product.id },
    }));
  }
}

function restrict(query: SelectQueryBuilder<ProductRow>, filter: ProductFilter): void {
  const { categoryId, priceMinorMin, priceMinorMax, words } = filter;
  if (categoryId !== undefined) query.andWhere('p.category_id = :categoryId', { categoryId });
  if (priceMinorMin !== undefined) query.andWhere('p.price_minor >= :priceMinorMin', { priceMinorMin });
  if (priceMinorMax !== undefined) query.andWhere('p.price_minor <= :priceMinorMax', { priceMinorMax });
  if (words !== undefined) query.andWhere("p.search @@ websearch_to_tsquery('english', :words)", { words });
}

// PostgreSQL formats a time in the session's style; a cursor carries ISO, which its check expects.
function valueOf(sort: Sort, product: Product, place: string): string {
  return sort === 'newest' ? product.createdAt.toISOString() : place;
}

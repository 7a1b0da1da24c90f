import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { CATEGORIES_MAX, type Category } from '../domain/product.js';
import { CategoryRow } from './category.row.js';

/** The categories. */
@Injectable()
export class CategoryRepository {
  constructor(@InjectRepository(CategoryRow) private readonly rows: Repository<CategoryRow>) {}

  /** All of them, by name. */
  list(): Promise<Category[]> {
    return this.rows.find({ order: { name: 'ASC', id: 'ASC' }, take: CATEGORIES_MAX });
  }

  /** How many there are. */
  count(): Promise<number> {
    return this.rows.count();
  }

  /** Whether there is one with this id. */
  exists(id: string): Promise<boolean> {
    return this.rows.existsBy({ id });
  }

  /** Stores new categories; returns how many were new. */
  async add(categories: readonly Category[]): Promise<number> {
    const result = await this.rows
      .createQueryBuilder()
      .insert()
      .values(categories.map(({ id, name }) => ({ id, name })))
      .orIgnore()
      .returning('id')
      .execute();
    return (result.raw as unknown[]).length;
  }
}

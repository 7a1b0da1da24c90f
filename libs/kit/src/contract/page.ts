import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsNumber, IsOptional, IsString, ValidateNested } from 'class-validator';
import type { Class } from './class.js';
import { IsOneOf, isOneOf, type OneOf } from './forms.js';
import type { ItemOf } from './messages.js';

/** A page of a list. */
export interface Page<T> {
  readonly items: T[];
  /** The cursor for the next page; `null` or left out on the last page. */
  readonly nextCursor?: string | null;
}

const pages = new Map<unknown, Class<Page<unknown>>>();

/**
 * Returns the class of pages of an item: `result: pageOf(Product)` for a `Query<Page<Product>>`, and for a field
 * `@ValidateNested() @Type(() => pageOf(Product))`. It is the same class each time, with the name `ProductPage`. A
 * handler returns `{ items, nextCursor }`.
 * @param item a class, such as that of another page; a union; or `String`, `Number` or `Boolean`.
 */
export function pageOf<const I extends Class | OneOf>(item: I): Class<Page<ItemOf<I>>> {
  let page = pages.get(item);
  if (page === undefined) pages.set(item, (page = makePage(item)));
  return page as Class<Page<ItemOf<I>>>;
}

function makePage(item: Class | OneOf): Class<Page<unknown>> {
  class PageOfItems implements Page<unknown> {
    readonly items!: unknown[];
    readonly nextCursor?: string | null;
  }
  const name = isOneOf(item)
    ? Object.values(item.variants)
        .map((variant) => variant.name)
        .join('Or')
    : item.name;
  Object.defineProperty(PageOfItems, 'name', { value: `${name}Page` });
  for (const decorate of decoratorsOf(item)) decorate(PageOfItems.prototype, 'items');
  IsOptional()(PageOfItems.prototype, 'nextCursor');
  IsString()(PageOfItems.prototype, 'nextCursor');
  return PageOfItems;
}

function decoratorsOf(item: Class | OneOf): readonly PropertyDecorator[] {
  const each = { each: true };
  if (isOneOf(item)) return [IsOneOf(item, each)];
  const list = IsArray();
  if (item === String) return [list, IsString(each)];
  if (item === Number) return [list, IsNumber({}, each)];
  if (item === Boolean) return [list, IsBoolean(each)];
  return [ValidateNested(each), Type(() => item as new () => object)];
}

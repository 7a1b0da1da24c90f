import { type Fields, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { IsInt, IsOptional, IsUUID, Max, Min } from 'class-validator';
import { ProductView } from './product.view.js';

/**
 * Returns all products in the order of their ids, one page per call: for a module that walks through the whole catalog.
 */
@QueryContract('catalog.list-products.v1', {
  result: [ProductView],
  access: { identity: 'optional', callers: ['inventory'] },
})
export class ListProducts extends Query<ProductView[]> {
  /** The last id of the previous page; none for the first page. */
  @IsOptional() @IsUUID() readonly afterId?: string;
  /** Products per page, 1 to 200. A shorter page is the last. */
  @IsInt() @Min(1) @Max(200) readonly limit!: number;
  constructor(fields: Fields<ListProducts>) {
    super();
    Object.assign(this, fields);
  }
}

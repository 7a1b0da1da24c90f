import { type Fields, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { ArrayMaxSize, ArrayMinSize, IsUUID } from 'class-validator';
import { ProductView } from './product.view.js';

/** Returns the products with these ids, in no particular order; unknown ids are omitted. 1 to 100 ids. */
@QueryContract('catalog.get-products.v1', { result: [ProductView], deadlineMs: 2_000 })
export class GetProducts extends Query<ProductView[]> {
  @IsUUID('all', { each: true }) @ArrayMinSize(1) @ArrayMaxSize(100) readonly productIds!: string[];
  constructor(fields: Fields<GetProducts>) {
    super();
    Object.assign(this, fields);
  }
}

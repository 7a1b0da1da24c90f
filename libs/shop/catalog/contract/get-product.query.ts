import { type Fields, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';
import { ProductNotFound } from './errors.js';
import { ProductView } from './product.view.js';

/** Returns one product. Fails with `ProductNotFound`. */
@QueryContract('catalog.get-product.v1', { result: ProductView, errors: [ProductNotFound], deadlineMs: 2_000 })
export class GetProduct extends Query<ProductView> {
  @IsUUID() readonly productId!: string;
  constructor(fields: Fields<GetProduct>) {
    super();
    Object.assign(this, fields);
  }
}

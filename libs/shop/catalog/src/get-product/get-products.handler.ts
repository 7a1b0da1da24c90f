import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { GetProducts, type ProductView } from '../../contract/index.js';
import { ProductRepository } from '../storage/product.repository.js';
import { viewOf } from './view-of.js';

/** Returns those of some products that exist. */
@QueryHandler(GetProducts)
export class GetProductsHandler implements IQueryHandler<GetProducts> {
  constructor(private readonly products: ProductRepository) {}

  async execute({ productIds }: GetProducts): Promise<ProductView[]> {
    return (await this.products.findAll(productIds)).map(viewOf);
  }
}

import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { GetProduct, ProductNotFound, type ProductView } from '../../contract/index.js';
import { ProductRepository } from '../storage/product.repository.js';
import { viewOf } from './view-of.js';

/** Returns one product. */
@QueryHandler(GetProduct)
export class GetProductHandler implements IQueryHandler<GetProduct> {
  constructor(private readonly products: ProductRepository) {}

  async execute({ productId }: GetProduct): Promise<ProductView> {
    const product = await this.products.find(productId);
    if (!product) throw new ProductNotFound({ productId });
    return viewOf(product);
  }
}

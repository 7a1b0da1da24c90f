import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { ListProducts, type ProductView } from '../../contract/index.js';
import { viewOf } from '../get-product/view-of.js';
import { ProductRepository } from '../storage/product.repository.js';

/** Returns a page of all products, by id. */
@QueryHandler(ListProducts)
export class ListProductsHandler implements IQueryHandler<ListProducts> {
  constructor(private readonly products: ProductRepository) {}

  async execute({ afterId, limit }: ListProducts): Promise<ProductView[]> {
    return (await this.products.walk(afterId ?? undefined, limit)).map(viewOf);
  }
}

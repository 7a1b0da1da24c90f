import { EntityTag, Public } from '@fledge/kit';
import { Controller, Get, Param } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@fledge/kit/openapi';
import { ProductNotFound } from '../../contract/index.js';
import { ProductRepository } from '../storage/product.repository.js';
import { ProductId } from './product-id.js';
import { ProductResource } from './product.view.js';

/** One product. */
@ApiTags('catalog')
@Public()
@Controller('products')
export class GetProductController {
  constructor(private readonly products: ProductRepository) {}

  @Get(':id')
  @EntityTag<ProductResource>(({ updatedAt }) => updatedAt)
  @ApiOperation({ summary: 'Get a product' })
  @ApiOkResponse({ type: ProductResource })
  @ApiBadRequestResponse({ description: 'The id is not a UUID' })
  @ApiNotFoundResponse({ description: 'catalog.product-not-found.v1' })
  async get(@Param() { id }: ProductId): Promise<ProductResource> {
    const product = await this.products.find(id);
    if (!product) throw new ProductNotFound({ productId: id });
    return new ProductResource(product);
  }
}

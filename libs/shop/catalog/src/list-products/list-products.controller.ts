import { decodeCursor, encodeCursor, InvalidRequest, Public } from '@fledge/kit';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags } from '@fledge/kit/openapi';
import { isPlaceIn, orderOf, type Place, type ProductOrder } from '../domain/product-order.js';
import { ProductResource } from '../get-product/product.view.js';
import { ProductRepository } from '../storage/product.repository.js';
import { ProductCursor, ProductListRequest } from './product-list-request.js';
import { ProductPage } from './product-page.view.js';

/** Lists of products. */
@ApiTags('catalog')
@Public()
@Controller('products')
export class ListProductsController {
  constructor(private readonly products: ProductRepository) {}

  @Get()
  @ApiOperation({ summary: 'List products on sale: search, filter, sort, page by page' })
  @ApiOkResponse({ type: ProductPage })
  @ApiBadRequestResponse({ description: 'A bad filter, sort or cursor' })
  async list(@Query() request: ProductListRequest): Promise<ProductPage> {
    const { q: words, categoryId, priceMin: priceMinorMin, priceMax: priceMinorMax, limit } = request;
    const order = orderOf(request.sort, request.direction, words !== undefined);
    if (!order)
      throw new InvalidRequest([{ path: 'sort', rule: 'sort', message: 'by relevance needs `q`, and is always desc' }]);
    const after = request.cursor === undefined ? undefined : placeOf(request.cursor, order);
    // One more than the page tells whether there is a next one.
    const found = await this.products.list({
      categoryId,
      priceMinorMin,
      priceMinorMax,
      words,
      order,
      after,
      limit: limit + 1,
    });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      items: page.map(({ product }) => new ProductResource(product)),
      nextCursor: found.length > limit && last ? encodeCursor(last.place) : null,
    };
  }
}

function placeOf(cursor: string, order: ProductOrder): Place {
  const place = decodeCursor(cursor, ProductCursor);
  if (!isPlaceIn(order, place)) {
    throw new InvalidRequest([
      {
        path: 'cursor',
        rule: 'cursor',
        message: `is not of a list by ${order.sort} ${order.direction}: keep the sort of the page it came with`,
      },
    ]);
  }
  return place;
}

import { randomUUID } from 'node:crypto';
import { EntityTag, Idempotent, IfMatch, InvalidRequest, type Precondition, Roles } from '@fledge/kit';
import { Body, Controller, Param, Patch, Post } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiPreconditionFailedResponse,
  ApiTags,
} from '@fledge/kit/openapi';
import { ProductNotFound, SkuTaken, UnknownCategory } from '../../contract/index.js';
import type { Product } from '../domain/product.js';
import { ProductId } from '../get-product/product-id.js';
import { ProductResource } from '../get-product/product.view.js';
import { CategoryRepository } from '../storage/category.repository.js';
import { ProductRepository } from '../storage/product.repository.js';
import { NewProduct, ProductPatch } from './product-body.js';

/** Lets staff create and change products. */
@ApiTags('catalog')
@ApiBearerAuth()
@Roles('staff')
@Controller('products')
export class KeepProductsController {
  constructor(
    private readonly products: ProductRepository,
    private readonly categories: CategoryRepository,
  ) {}

  @Post()
  @Idempotent({ transaction: true })
  @ApiOperation({ summary: 'Make a product (staff)' })
  @ApiCreatedResponse({ type: ProductResource })
  @ApiBadRequestResponse({ description: 'A field breaks its rule, or catalog.unknown-category.v1' })
  @ApiForbiddenResponse({ description: 'Not staff' })
  @ApiConflictResponse({ description: 'catalog.sku-taken.v1' })
  async create(@Body() body: NewProduct): Promise<ProductResource> {
    await this.refuseUnknown(body.categoryId);
    const now = new Date();
    const product: Product = { id: randomUUID(), ...body, createdAt: now, updatedAt: now };
    if ((await this.products.add([product])) === 0) throw new SkuTaken({ sku: body.sku });
    return new ProductResource(product);
  }

  @Patch(':id')
  @EntityTag<ProductResource>(({ updatedAt }) => updatedAt)
  @ApiOperation({ summary: 'Change a product (staff); its sku and currency stay' })
  @ApiOkResponse({ type: ProductResource })
  @ApiBadRequestResponse({ description: 'A field breaks its rule, or catalog.unknown-category.v1' })
  @ApiForbiddenResponse({ description: 'Not staff' })
  @ApiNotFoundResponse({ description: 'catalog.product-not-found.v1' })
  @ApiPreconditionFailedResponse({ description: 'It has been changed since the version of If-Match' })
  async change(
    @Param() { id }: ProductId,
    @Body() body: ProductPatch,
    @IfMatch() required: Precondition,
  ): Promise<ProductResource> {
    if (Object.values(body).every((value) => value === undefined))
      throw new InvalidRequest([{ path: '', rule: 'empty', message: 'must name at least one field to change' }]);
    if (body.categoryId !== undefined) await this.refuseUnknown(body.categoryId);
    const product = await this.products.change(id, body, ({ updatedAt }) => required.check(updatedAt));
    if (!product) throw new ProductNotFound({ productId: id });
    return new ProductResource(product);
  }

  private async refuseUnknown(categoryId: string): Promise<void> {
    if (!(await this.categories.exists(categoryId))) throw new UnknownCategory({ categoryId });
  }
}

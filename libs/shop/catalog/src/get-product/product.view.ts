import { ApiProperty } from '@fledge/kit/openapi';
import type { Product } from '../domain/product.js';

/** A product, as HTTP shows it. */
export class ProductResource {
  @ApiProperty({ format: 'uuid' }) readonly id: string;
  @ApiProperty({ example: 'KIT-0007' }) readonly sku: string;
  @ApiProperty({ example: 'Walnut Cutting Board' }) readonly name: string;
  @ApiProperty() readonly description: string;
  @ApiProperty({ type: 'integer', example: 3_490, description: 'Minor units of the currency' })
  readonly priceMinor: number;
  @ApiProperty({ example: 'EUR' }) readonly currency: string;
  @ApiProperty({ example: 'kitchen' }) readonly categoryId: string;
  @ApiProperty({ description: 'Whether it is on sale' }) readonly active: boolean;
  @ApiProperty() readonly createdAt: Date;
  @ApiProperty() readonly updatedAt: Date;

  constructor(product: Product) {
    this.id = product.id;
    this.sku = product.sku;
    this.name = product.name;
    this.description = product.description;
    this.priceMinor = product.priceMinor;
    this.currency = product.currency;
    this.categoryId = product.categoryId;
    this.active = product.active;
    this.createdAt = product.createdAt;
    this.updatedAt = product.updatedAt;
  }
}

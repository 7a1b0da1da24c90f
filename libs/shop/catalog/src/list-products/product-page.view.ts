import { ApiProperty } from '@fledge/kit/openapi';
import { ProductResource } from '../get-product/product.view.js';

/** A page of products. */
export class ProductPage {
  @ApiProperty({ type: [ProductResource] }) readonly items!: ProductResource[];
  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next page; null on the last' })
  readonly nextCursor!: string | null;
}

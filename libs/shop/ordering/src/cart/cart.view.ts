import { ApiProperty } from '@fledge/kit/openapi';
import type { Availability } from '@shop/inventory/contract';
import type { Cart } from '../domain/cart.js';
import type { PricedProduct } from '../domain/order.js';

/** A line of the cart after a change, as HTTP shows it. */
export class CartItemView {
  @ApiProperty({ format: 'uuid' }) readonly productId!: string;
  @ApiProperty({ type: 'integer', example: 2 }) readonly quantity!: number;
}

/** A line of the cart with the current data of its product. */
export class CartLineView {
  @ApiProperty({ format: 'uuid' }) readonly productId!: string;
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'Walnut Cutting Board',
    description: 'null when the product is gone',
  })
  readonly name!: string | null;
  @ApiProperty({ type: 'integer', example: 2 }) readonly quantity!: number;
  @ApiProperty({ type: 'integer', nullable: true, example: 3_490, description: 'The price of one now, in minor units' })
  readonly unitPriceMinor!: number | null;
  @ApiProperty({ type: 'integer', nullable: true, example: 6_980, description: 'Minor units' })
  readonly lineTotalMinor!: number | null;
  @ApiProperty({ type: 'integer', example: 100, description: 'How many could be ordered now' })
  readonly available!: number;
  @ApiProperty({ description: 'Whether the line could be ordered now: on sale, and enough of it' })
  readonly orderable!: boolean;
}

/** The cart with current prices and availability. They may change until the order is placed. */
export class CartView {
  @ApiProperty({ type: [CartLineView] }) readonly items: CartLineView[];
  @ApiProperty({ type: String, nullable: true, example: 'EUR', description: 'null while the cart is empty' })
  readonly currency: string | null;
  @ApiProperty({ type: 'integer', example: 6_980, description: 'Of the lines on sale, in minor units' })
  readonly totalMinor: number;

  constructor(cart: Cart, products: readonly PricedProduct[], availabilities: readonly Availability[]) {
    const onSale = new Map(products.filter((product) => product.active).map((product) => [product.id, product]));
    const names = new Map(products.map((product) => [product.id, product.name]));
    const available = new Map(availabilities.map((entry) => [entry.productId, entry.available]));
    this.items = cart.lines.map(({ productId, quantity }) => {
      const price = onSale.get(productId)?.priceMinor;
      const left = available.get(productId) ?? 0;
      return {
        productId,
        name: names.get(productId) ?? null,
        quantity,
        unitPriceMinor: price ?? null,
        lineTotalMinor: price === undefined ? null : price * quantity,
        available: left,
        orderable: price !== undefined && left >= quantity,
      };
    });
    this.currency = cart.currency ?? null;
    this.totalMinor = this.items.reduce((sum, item) => sum + (item.lineTotalMinor ?? 0), 0);
  }
}

import { CurrentUser, type Identity } from '@fledge/kit';
import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@fledge/kit/openapi';
import { GetProduct, GetProducts } from '@shop/catalog/contract';
import { GetAvailability } from '@shop/inventory/contract';
import { ItemUnavailable } from '../../contract/index.js';
import { addItem, type Cart, removeItem, setQuantity } from '../domain/cart.js';
import { CartRepository } from '../storage/cart.repository.js';
import { ItemId, ItemPatch, NewItem } from './cart-body.js';
import { CartItemView, CartView } from './cart.view.js';

/** A user's cart. */
@ApiTags('ordering')
@ApiBearerAuth()
@Controller('cart')
export class CartController {
  constructor(
    private readonly carts: CartRepository,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiOperation({ summary: 'My cart, with the prices and availability of now' })
  @ApiOkResponse({ type: CartView })
  async get(@CurrentUser() user: Identity): Promise<CartView> {
    const cart = await this.carts.find(user.subject);
    if (cart.lines.length === 0) return new CartView(cart, [], []);
    const productIds = cart.lines.map((line) => line.productId);
    const [products, availabilities] = await Promise.all([
      this.queries.execute(new GetProducts({ productIds })),
      this.queries.execute(new GetAvailability({ productIds })),
    ]);
    return new CartView(cart, products, availabilities);
  }

  @Post('items')
  @ApiOperation({ summary: 'Put something into my cart' })
  @ApiCreatedResponse({ type: CartItemView, description: 'The line as it is now' })
  @ApiNotFoundResponse({ description: 'catalog.product-not-found.v1' })
  @ApiConflictResponse({
    description:
      'ordering.item-unavailable.v1, ordering.quantity-too-large.v1, ordering.cart-full.v1 or ordering.mixed-currencies.v1',
  })
  async add(@CurrentUser() user: Identity, @Body() { productId, quantity }: NewItem): Promise<CartItemView> {
    // Fails with catalog's ProductNotFound.
    const product = await this.queries.execute(new GetProduct({ productId }));
    if (!product.active) throw new ItemUnavailable({ productId });
    return itemOf(await this.carts.change(user.subject, (cart) => addItem(cart, product, quantity)), product.id);
  }

  @Patch('items/:productId')
  @ApiOperation({ summary: 'Change how many of a product are in my cart' })
  @ApiOkResponse({ type: CartItemView, description: 'The line as it is now' })
  @ApiNotFoundResponse({ description: 'ordering.item-not-in-cart.v1' })
  async change(
    @CurrentUser() user: Identity,
    @Param() item: ItemId,
    @Body() { quantity }: ItemPatch,
  ): Promise<CartItemView> {
    const productId = item.productId.toLowerCase();
    return itemOf(await this.carts.change(user.subject, (cart) => setQuantity(cart, productId, quantity)), productId);
  }

  @Delete('items/:productId')
  @HttpCode(204)
  @ApiOperation({ summary: 'Take a product out of my cart' })
  @ApiNoContentResponse()
  @ApiNotFoundResponse({ description: 'ordering.item-not-in-cart.v1' })
  async remove(@CurrentUser() user: Identity, @Param() item: ItemId): Promise<void> {
    await this.carts.change(user.subject, (cart) => removeItem(cart, item.productId.toLowerCase()));
  }
}

function itemOf(cart: Cart, productId: string): CartItemView {
  return { productId, quantity: cart.lines.find((line) => line.productId === productId)?.quantity ?? 0 };
}

import { CurrentUser, Idempotent, type Identity } from '@fledge/kit';
import { Body, Controller, Headers, Post, UseGuards } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@fledge/kit/openapi';
import { PlaceOrder } from '../../contract/index.js';
import { OrderResource } from '../get-order/order.view.js';
import { ObjectBodyGuard } from './object-body-guard.js';
import { PlaceOrderBody } from './place-order-body.js';

/** Orders the content of the cart. */
@ApiTags('ordering')
@ApiBearerAuth()
@Controller('orders')
export class PlaceOrderController {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  @UseGuards(ObjectBodyGuard)
  @Idempotent()
  @ApiOperation({ summary: 'Order what is in my cart: all of it or nothing' })
  @ApiCreatedResponse({ type: OrderResource })
  @ApiBadRequestResponse({ description: 'A bad Idempotency-Key, or a field that breaks its rule' })
  @ApiConflictResponse({
    description:
      'ordering.empty-cart.v1, ordering.item-out-of-stock.v1, ordering.item-unavailable.v1, ordering.order-in-progress.v1, ordering.cart-changed.v1 or fledge.request-in-flight',
  })
  @ApiUnprocessableEntityResponse({ description: 'The Idempotency-Key of another order' })
  @ApiServiceUnavailableResponse({ description: 'ordering.order-not-placed.v1: nothing was ordered, try again' })
  async place(
    @CurrentUser() user: Identity,
    @Headers('idempotency-key') key: string | undefined,
    @Body() { paymentMethod }: PlaceOrderBody,
  ): Promise<OrderResource> {
    return new OrderResource(
      await this.commands.execute(
        new PlaceOrder({
          userId: user.subject,
          ...(key !== undefined && { idempotencyKey: key }),
          ...(paymentMethod !== undefined && { paymentMethod }),
        }),
      ),
    );
  }
}

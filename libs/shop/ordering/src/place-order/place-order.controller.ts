import { CurrentUser, type Identity, InvalidRequest } from '@fledge/kit';
import { Body, Controller, Headers, Post, UseGuards } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@fledge/kit/openapi';
import { IDEMPOTENCY_KEY_MAX, PlaceOrder } from '../../contract/index.js';
import { OrderResource } from '../get-order/order.view.js';
import { ObjectBodyGuard } from './object-body-guard.js';
import { PlaceOrderBody } from './place-order-body.js';

const PRINTABLE = /^[\x20-\x7e]+$/;

/** Orders the content of the cart. */
@ApiTags('ordering')
@ApiBearerAuth()
@Controller('orders')
export class PlaceOrderController {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  @UseGuards(ObjectBodyGuard)
  @ApiOperation({ summary: 'Order what is in my cart: all of it or nothing' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: `1 to ${IDEMPOTENCY_KEY_MAX} printable characters of your choice: the same key answers the same order, so a request can be sent again`,
  })
  @ApiCreatedResponse({ type: OrderResource })
  @ApiBadRequestResponse({ description: 'A bad Idempotency-Key, or a field that breaks its rule' })
  @ApiConflictResponse({
    description:
      'ordering.empty-cart.v1, ordering.item-out-of-stock.v1, ordering.item-unavailable.v1, ordering.order-in-progress.v1 or ordering.cart-changed.v1',
  })
  @ApiServiceUnavailableResponse({ description: 'ordering.order-not-placed.v1: nothing was ordered, try again' })
  async place(
    @CurrentUser() user: Identity,
    @Headers('idempotency-key') key: string | undefined,
    @Body() { paymentMethod }: PlaceOrderBody,
  ): Promise<OrderResource> {
    if (key !== undefined && (key.length > IDEMPOTENCY_KEY_MAX || !PRINTABLE.test(key))) {
      throw new InvalidRequest([
        {
          path: 'Idempotency-Key',
          rule: 'header',
          message: `must be 1 to ${IDEMPOTENCY_KEY_MAX} printable ASCII characters`,
        },
      ]);
    }
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

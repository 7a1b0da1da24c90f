import { Idempotent, Roles } from '@fledge/kit';
import { Body, Controller, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiConflictResponse,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@fledge/kit/openapi';
import { RefundOrder } from '../../contract/index.js';
import { OrderId } from '../get-order/order-id.js';
import { OrderResource } from '../get-order/order.view.js';
import { ObjectBodyGuard } from '../place-order/object-body-guard.js';
import { RefundBody } from './refund-body.js';

/** Lets staff refund an order. */
@ApiTags('ordering')
@ApiBearerAuth()
@Roles('staff')
@Controller('orders')
export class RefundOrderController {
  constructor(private readonly commands: CommandBus) {}

  @Post(':id/refund')
  @HttpCode(200)
  @UseGuards(ObjectBodyGuard)
  @Idempotent()
  @ApiOperation({ summary: 'Give the money of a completed order back (staff); safe to send again' })
  @ApiOkResponse({ type: OrderResource })
  @ApiBadRequestResponse({ description: 'A field breaks its rule' })
  @ApiForbiddenResponse({ description: 'Not staff' })
  @ApiNotFoundResponse({ description: 'ordering.order-not-found.v1' })
  @ApiConflictResponse({ description: 'ordering.order-not-refundable.v1' })
  async refund(
    @Param() { id }: OrderId,
    @Body() { reason = 'refunded by the shop', restock = false }: RefundBody,
  ): Promise<OrderResource> {
    return new OrderResource(await this.commands.execute(new RefundOrder({ orderId: id, reason, restock })));
  }
}

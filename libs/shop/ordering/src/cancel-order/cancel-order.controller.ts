import { CurrentUser, type Identity } from '@fledge/kit';
import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@fledge/kit/openapi';
import { CancelOrder, GetOrder, OrderNotFound } from '../../contract/index.js';
import { OrderId } from '../get-order/order-id.js';
import { OrderResource } from '../get-order/order.view.js';

/** Lets a user cancel an order. */
@ApiTags('ordering')
@ApiBearerAuth()
@Controller('orders')
export class CancelOrderController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Post(':id/cancel')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel an order of mine; safe to send again' })
  @ApiOkResponse({ type: OrderResource })
  @ApiNotFoundResponse({ description: 'ordering.order-not-found.v1' })
  @ApiConflictResponse({ description: 'ordering.order-not-cancellable.v1' })
  async cancel(@CurrentUser() user: Identity, @Param() { id }: OrderId): Promise<OrderResource> {
    const { userId } = await this.queries.execute(new GetOrder({ orderId: id }));
    // staff use the messages; this route is the buyer's own
    if (userId !== user.subject) throw new OrderNotFound({ orderId: id });
    return new OrderResource(
      await this.commands.execute(new CancelOrder({ orderId: id, reason: 'cancelled by the buyer' })),
    );
  }
}

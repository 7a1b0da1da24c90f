import { CurrentUser, type Identity } from '@fledge/kit';
import { Controller, Get, Param } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@fledge/kit/openapi';
import { GetOrder, OrderNotFound } from '../../contract/index.js';
import { OrderId } from './order-id.js';
import { OrderResource } from './order.view.js';

/** A user's order. */
@ApiTags('ordering')
@ApiBearerAuth()
@Controller('orders')
export class GetOrderController {
  constructor(private readonly queries: QueryBus) {}

  @Get(':id')
  @ApiOperation({ summary: 'Get an order of mine' })
  @ApiOkResponse({ type: OrderResource })
  @ApiBadRequestResponse({ description: 'The id is not a UUID' })
  @ApiNotFoundResponse({ description: "ordering.order-not-found.v1, also for another user's" })
  async get(@CurrentUser() user: Identity, @Param() { id }: OrderId): Promise<OrderResource> {
    const order = await this.queries.execute(new GetOrder({ orderId: id }));
    // staff use the messages; this route is the buyer's own
    if (order.userId !== user.subject) throw new OrderNotFound({ orderId: id });
    return new OrderResource(order);
  }
}

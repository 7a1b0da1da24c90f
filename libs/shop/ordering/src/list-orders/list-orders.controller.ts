import { CurrentUser, decodeCursor, encodeCursor, type Identity, PageRequest } from '@fledge/kit';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiBadRequestResponse, ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@fledge/kit/openapi';
import { OrderResource } from '../get-order/order.view.js';
import { viewOf } from '../get-order/view-of.js';
import { type OrderPlace, OrderRepository } from '../storage/order.repository.js';
import { OrderCursor } from './order-cursor.js';
import { OrderPage } from './order-page.view.js';

/** A user's orders. */
@ApiTags('ordering')
@ApiBearerAuth()
@Controller('orders')
export class ListOrdersController {
  constructor(private readonly orders: OrderRepository) {}

  @Get()
  @ApiOperation({ summary: 'List the orders that I placed, cancelled ones too, the newest first' })
  @ApiOkResponse({ type: OrderPage })
  @ApiBadRequestResponse({ description: 'A bad limit or cursor' })
  async list(@CurrentUser() user: Identity, @Query() { limit, cursor }: PageRequest): Promise<OrderPage> {
    // One more than the page tells whether there is a next one.
    const found = await this.orders.list(user.subject, cursor === undefined ? undefined : placeOf(cursor), limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      items: page.map((order) => new OrderResource(viewOf(order))),
      nextCursor:
        found.length > limit && last?.placedAt
          ? encodeCursor({ placedAtMs: last.placedAt.getTime(), id: last.id } satisfies OrderCursor)
          : null,
    };
  }
}

function placeOf(cursor: string): OrderPlace {
  const { placedAtMs, id } = decodeCursor(cursor, OrderCursor);
  return { placedAt: new Date(placedAtMs), id };
}

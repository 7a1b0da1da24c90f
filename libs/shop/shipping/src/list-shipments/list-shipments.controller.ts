import { CurrentUser, decodeCursor, encodeCursor, type Identity, PageRequest } from '@fledge/kit';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiBadRequestResponse, ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@fledge/kit/openapi';
import { ShipmentResource } from '../get-shipment/shipment.view.js';
import { viewOf } from '../get-shipment/view-of.js';
import { type ShipmentPlace, ShipmentRepository } from '../storage/shipment.repository.js';
import { ShipmentCursor, ShipmentPage } from './shipment-page.view.js';

/** A buyer's shipments. */
@ApiTags('shipping')
@ApiBearerAuth()
@Controller('shipments')
export class ListShipmentsController {
  constructor(private readonly shipments: ShipmentRepository) {}

  @Get()
  @ApiOperation({ summary: 'List my shipments, the newest first' })
  @ApiOkResponse({ type: ShipmentPage })
  @ApiBadRequestResponse({ description: 'A bad limit or cursor' })
  async list(@CurrentUser() user: Identity, @Query() { limit, cursor }: PageRequest): Promise<ShipmentPage> {
    // One more than the page tells whether there is a next one.
    const found = await this.shipments.listOf(
      user.subject,
      cursor === undefined ? undefined : placeOf(cursor),
      limit + 1,
    );
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      items: page.map((shipment) => new ShipmentResource(viewOf(shipment))),
      nextCursor:
        found.length > limit && last
          ? encodeCursor({ createdAtMs: last.createdAt.getTime(), orderId: last.orderId } satisfies ShipmentCursor)
          : null,
    };
  }
}

function placeOf(cursor: string): ShipmentPlace {
  const { createdAtMs, orderId } = decodeCursor(cursor, ShipmentCursor);
  return { createdAt: new Date(createdAtMs), orderId };
}

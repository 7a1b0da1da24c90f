import { CurrentUser, type Identity } from '@fledge/kit';
import { Controller, Get, Param } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@fledge/kit/openapi';
import { ShipmentNotFound } from '../../contract/index.js';
import { ShipmentRepository } from '../storage/shipment.repository.js';
import { ShipmentResource } from './shipment.view.js';
import { ShippedOrderId } from './shipped-order-id.js';
import { viewOf } from './view-of.js';

/** The shipment of an order, for its buyer and for staff. */
@ApiTags('shipping')
@ApiBearerAuth()
@Controller('shipments')
export class GetShipmentController {
  constructor(private readonly shipments: ShipmentRepository) {}

  @Get(':orderId')
  @ApiOperation({ summary: 'Get the shipment of an order of mine (staff: of any)' })
  @ApiOkResponse({ type: ShipmentResource })
  @ApiBadRequestResponse({ description: 'The id is not a UUID' })
  @ApiNotFoundResponse({ description: "shipping.shipment-not-found.v1, also for another user's" })
  async get(@CurrentUser() user: Identity, @Param() { orderId }: ShippedOrderId): Promise<ShipmentResource> {
    const shipment = await this.shipments.find(orderId);
    if (!shipment || (shipment.userId !== user.subject && !user.roles.includes('staff')))
      throw new ShipmentNotFound({ orderId });
    return new ShipmentResource(viewOf(shipment));
  }
}

import { Roles } from '@fledge/kit';
import { Controller, HttpCode, Param, Post } from '@nestjs/common';
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
import { ShippedOrderId } from '../get-shipment/shipped-order-id.js';
import { ShipmentResource } from '../get-shipment/shipment.view.js';
import { viewOf } from '../get-shipment/view-of.js';
import { Carriage } from './carriage.js';

/** Staff dispatch shipments. */
@ApiTags('shipping')
@ApiBearerAuth()
@Roles('staff')
@Controller('shipments')
export class DispatchController {
  constructor(private readonly carriage: Carriage) {}

  @Post(':orderId/dispatch')
  @HttpCode(200)
  @ApiOperation({ summary: 'Dispatch what is packed, before its time (staff); safe to send again' })
  @ApiOkResponse({ type: ShipmentResource })
  @ApiBadRequestResponse({ description: 'The id is not a UUID' })
  @ApiForbiddenResponse({ description: 'Not staff' })
  @ApiNotFoundResponse({ description: 'shipping.shipment-not-found.v1' })
  @ApiConflictResponse({ description: 'shipping.shipment-gone.v1' })
  async dispatch(@Param() { orderId }: ShippedOrderId): Promise<ShipmentResource> {
    return new ShipmentResource(viewOf(await this.carriage.dispatchNow(orderId)));
  }
}

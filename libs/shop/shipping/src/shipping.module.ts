import { Authentication, BoundedModule } from '@fledge/kit';
import { ACCESS_TOKENS, GetSigningKeys, IdentityContract } from '@shop/identity/contract';
import { ShippingContract } from '../contract/index.js';
import { CancelShipmentHandler } from './cancel-shipment/cancel-shipment.handler.js';
import { CreateShipmentHandler } from './create-shipment/create-shipment.handler.js';
import { Carriage } from './dispatch/carriage.js';
import { DispatchController } from './dispatch/dispatch.controller.js';
import { GetShipmentController } from './get-shipment/get-shipment.controller.js';
import { GetShipmentHandler } from './get-shipment/get-shipment.handler.js';
import { ListShipmentsController } from './list-shipments/list-shipments.controller.js';
import { ShippingSettings } from './settings.js';
import { CreateShipments1764200000000 } from './storage/migrations/1764200000000-create-shipments.js';
import { ShipmentRepository } from './storage/shipment.repository.js';
import { ShipmentRow } from './storage/shipment.row.js';

/** Shipments, from the packing to the buyer's door. */
@BoundedModule({
  contract: ShippingContract,
  uses: [IdentityContract],
  entities: [ShipmentRow],
  migrations: [CreateShipments1764200000000],
  settings: ShippingSettings,
  imports: [Authentication.verifiedBy(GetSigningKeys, ACCESS_TOKENS)],
  providers: [ShipmentRepository, Carriage, CreateShipmentHandler, CancelShipmentHandler, GetShipmentHandler],
  controllers: [ListShipmentsController, DispatchController, GetShipmentController],
})
export class ShippingModule {}

import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsString, IsUUID, Length } from 'class-validator';
import { TRACKING_MAX } from './shipment.view.js';

/** A shipment is on its way, and can no longer be cancelled. */
@EventContract('shipping.shipment-dispatched.v1', { key: 'orderId' })
export class ShipmentDispatched {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly shipmentId!: string;
  @IsString() @Length(1, TRACKING_MAX) readonly trackingCode!: string;
  constructor(fields: Fields<ShipmentDispatched>) {
    Object.assign(this, fields);
  }
}

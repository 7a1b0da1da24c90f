import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

/** What was ordered is packed. It may still be cancelled. */
@EventContract('shipping.shipment-created.v1', { key: 'orderId' })
export class ShipmentCreated {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly shipmentId!: string;
  constructor(fields: Fields<ShipmentCreated>) {
    Object.assign(this, fields);
  }
}

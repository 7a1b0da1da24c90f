import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

/** A shipment has been delivered to the buyer. */
@EventContract('shipping.shipment-delivered.v1', { key: 'orderId' })
export class ShipmentDelivered {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<ShipmentDelivered>) {
    Object.assign(this, fields);
  }
}

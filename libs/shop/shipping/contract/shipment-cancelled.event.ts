import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

/** Nothing is sent for an order: its shipment was unpacked, or will never begin. */
@EventContract('shipping.shipment-cancelled.v1', { key: 'orderId' })
export class ShipmentCancelled {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<ShipmentCancelled>) {
    Object.assign(this, fields);
  }
}

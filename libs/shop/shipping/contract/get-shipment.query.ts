import { type Fields, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';
import { ShipmentNotFound } from './errors.js';
import { ShipmentView } from './shipment.view.js';

/** Returns the shipment of an order. Fails with `ShipmentNotFound`. */
@QueryContract('shipping.get-shipment.v1', { result: ShipmentView, errors: [ShipmentNotFound], deadlineMs: 2_000 })
export class GetShipment extends Query<ShipmentView> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<GetShipment>) {
    super();
    Object.assign(this, fields);
  }
}

import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { GetShipment, ShipmentNotFound, type ShipmentView } from '../../contract/index.js';
import { ShipmentRepository } from '../storage/shipment.repository.js';
import { viewOf } from './view-of.js';

/** Returns the shipment of an order. */
@QueryHandler(GetShipment)
export class GetShipmentHandler implements IQueryHandler<GetShipment> {
  constructor(private readonly shipments: ShipmentRepository) {}

  async execute({ orderId }: GetShipment): Promise<ShipmentView> {
    const shipment = await this.shipments.find(orderId);
    if (!shipment) throw new ShipmentNotFound({ orderId });
    return viewOf(shipment);
  }
}

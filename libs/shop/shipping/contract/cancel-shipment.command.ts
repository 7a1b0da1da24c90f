import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';

/**
 * Stops the shipment of an order: one that is packed is unpacked, one that has not begun never begins.
 * `ShipmentCancelled` reports it, or `CancellationTooLate` if it is on its way. Safe to repeat.
 */
@CommandContract('shipping.cancel-shipment.v1', { idempotent: true })
export class CancelShipment extends Command<void> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<CancelShipment>) {
    super();
    Object.assign(this, fields);
  }
}

import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';
import { ReservationConfirmed } from './errors.js';

/**
 * Gives the stock of an order back. Safe to repeat, and to send for an order without a reservation: none is made for it
 * afterwards. Fails with `ReservationConfirmed` when the stock is sold.
 */
@CommandContract('inventory.release-stock.v1', { errors: [ReservationConfirmed], deadlineMs: 5_000, idempotent: true })
export class ReleaseStock extends Command<void> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<ReleaseStock>) {
    super();
    Object.assign(this, fields);
  }
}

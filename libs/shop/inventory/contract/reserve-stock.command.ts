import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsUUID, ValidateNested } from 'class-validator';
import { OutOfStock, ReservationDiffers, ReservationReleased } from './errors.js';
import { RESERVATION_LINES_MAX, ReservationLine, StockReservation } from './stock-reservation.view.js';

/**
 * Keeps stock for an order: all lines or none. Safe to repeat: an order has one reservation, and a repetition returns
 * it. Fails with `OutOfStock`, with `ReservationDiffers` for other lines, or with `ReservationReleased` for an order
 * that was given up.
 */
@CommandContract('inventory.reserve-stock.v1', {
  result: StockReservation,
  errors: [OutOfStock, ReservationDiffers, ReservationReleased],
  deadlineMs: 5_000,
  idempotent: true,
})
export class ReserveStock extends Command<StockReservation> {
  @IsUUID() readonly orderId!: string;
  @ValidateNested({ each: true })
  @Type(() => ReservationLine)
  @ArrayMinSize(1)
  @ArrayMaxSize(RESERVATION_LINES_MAX)
  readonly lines!: ReservationLine[];
  constructor(fields: Fields<ReserveStock>) {
    super();
    Object.assign(this, fields);
  }
}

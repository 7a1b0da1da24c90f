import type { Fields } from '@fledge/kit/contract';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsDate, IsIn, IsInt, IsUUID, Max, Min, ValidateNested } from 'class-validator';

/** The most lines of a reservation. */
export const RESERVATION_LINES_MAX = 100;
/** The most units of one line. */
export const RESERVATION_QUANTITY_MAX = 10_000;

/** How much of one product. */
export class ReservationLine {
  @IsUUID() readonly productId!: string;
  @IsInt() @Min(1) @Max(RESERVATION_QUANTITY_MAX) readonly quantity!: number;
  constructor(fields: Fields<ReservationLine>) {
    Object.assign(this, fields);
  }
}

/** Stock that is kept for an order. */
export class StockReservation {
  @IsUUID() readonly orderId!: string;
  /** `held`: kept for the order; `confirmed`: sold to it. */
  @IsIn(['held', 'confirmed']) readonly status!: 'held' | 'confirmed';
  /** When it expires unless it is confirmed. */
  @IsDate() readonly expiresAt!: Date;
  @ValidateNested({ each: true })
  @Type(() => ReservationLine)
  @ArrayMaxSize(RESERVATION_LINES_MAX)
  readonly lines!: ReservationLine[];
  constructor(fields: Fields<StockReservation>) {
    Object.assign(this, fields);
  }
}

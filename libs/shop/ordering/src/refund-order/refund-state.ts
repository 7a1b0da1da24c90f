import { IsBoolean, IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';

/** What a refund keeps from one event to the next. */
export class RefundState {
  @IsString() userId = '';
  @IsString() @MaxLength(500) reason = '';
  /** Why the money could not be given back. */
  @IsOptional() @IsString() @MaxLength(500) unreturned?: string;
  /** The attempt of the payment that was refused last. */
  @IsOptional() @IsInt() @Min(1) refusedAttempt?: number;
  /** Payments has told that the money went back. */
  @IsBoolean() isMoneyBack = false;
  /** Inventory has told that the stock went back, or it is not to. */
  @IsBoolean() isStockBack = false;
}

import { IsBoolean, IsOptional, IsString, MaxLength } from 'class-validator';

/** What a refund keeps from one event to the next. */
export class RefundState {
  @IsString() userId = '';
  @IsString() @MaxLength(500) reason = '';
  /** Why the money could not be given back. */
  @IsOptional() @IsString() @MaxLength(500) unreturned?: string;
  /** Payments has told that the money went back. */
  @IsBoolean() isMoneyBack = false;
  /** Inventory has told that the stock went back, or it is not to. */
  @IsBoolean() isStockBack = false;
}

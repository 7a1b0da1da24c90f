import { IsBoolean, IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';

/** What a refund keeps between events. */
export class RefundState {
  @IsString() userId = '';
  @IsString() @MaxLength(500) reason = '';
  /** Why the money could not be returned. */
  @IsOptional() @IsString() @MaxLength(500) unreturned?: string;
  /** The last refused attempt of the payment. */
  @IsOptional() @IsInt() @Min(1) refusedAttempt?: number;
  /** Payments has reported that the money was returned. */
  @IsBoolean() isMoneyBack = false;
  /** Inventory has reported that the stock is back, or it need not come back. */
  @IsBoolean() isStockBack = false;
}

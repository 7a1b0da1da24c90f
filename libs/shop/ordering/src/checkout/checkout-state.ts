import { IsBoolean, IsInt, IsOptional, IsString, Matches, MaxLength, Min } from 'class-validator';

/** What a checkout keeps between events. */
export class CheckoutState {
  @IsString() userId = '';
  @IsInt() @Min(0) totalMinor = 0;
  @Matches(/^([A-Z]{3})?$/) currency = '';
  /** Why the order is being cancelled; empty while it is not. */
  @IsString() @MaxLength(500) reason = '';
  /**
   * Inventory has reported that the stock is sold to the order. Older runs may lack this field and the following ones.
   */
  @IsOptional() @IsBoolean() isSold?: boolean;
  /** A shipment was requested from shipping, which has not reported that it is stopped. */
  @IsOptional() @IsBoolean() isShipping?: boolean;
  /** Shipping has reported that the shipment is on its way: from now on nothing can be undone. */
  @IsOptional() @IsBoolean() isDispatched?: boolean;
  /** Why the money could not be taken. */
  @IsOptional() @IsString() @MaxLength(500) unpaid?: string;
  /** Why the money could not be returned. */
  @IsOptional() @IsString() @MaxLength(500) unreturned?: string;
  /** The last refused attempt of the payment. */
  @IsOptional() @IsInt() @Min(1) refusedAttempt?: number;
  /** Payments has reported that it no longer holds money of the order. */
  @IsBoolean() isMoneyBack = false;
  /** Inventory has reported that the order no longer holds stock. */
  @IsBoolean() isStockBack = false;
}

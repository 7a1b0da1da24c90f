import { IsBoolean, IsInt, IsOptional, IsString, Matches, MaxLength, Min } from 'class-validator';

/** What a checkout keeps from one event to the next. */
export class CheckoutState {
  @IsString() userId = '';
  @IsInt() @Min(0) totalMinor = 0;
  @Matches(/^([A-Z]{3})?$/) currency = '';
  /** Why the order is being given up; empty while it is not. */
  @IsString() @MaxLength(500) reason = '';
  /** Inventory has told that the stock is the order's own. This and what follows, runs of before may lack. */
  @IsOptional() @IsBoolean() isSold?: boolean;
  /** Shipping was asked for a shipment, and has not told that it is stopped. */
  @IsOptional() @IsBoolean() isShipping?: boolean;
  /** Shipping has told that the shipment is on its way: from now on nothing goes back. */
  @IsOptional() @IsBoolean() isDispatched?: boolean;
  /** Why the money could not be taken. */
  @IsOptional() @IsString() @MaxLength(500) unpaid?: string;
  /** Why the money could not be given back. */
  @IsOptional() @IsString() @MaxLength(500) unreturned?: string;
  /** The attempt of the payment that was refused last. */
  @IsOptional() @IsInt() @Min(1) refusedAttempt?: number;
  /** Payments has told that it holds no money of the order any more. */
  @IsBoolean() isMoneyBack = false;
  /** Inventory has told that the order holds no stock any more. */
  @IsBoolean() isStockBack = false;
}

import { IsBoolean, IsInt, IsOptional, IsString, Matches, MaxLength, Min } from 'class-validator';

/** What a checkout keeps from one event to the next. */
export class CheckoutState {
  @IsString() userId = '';
  @IsInt() @Min(0) totalMinor = 0;
  @Matches(/^([A-Z]{3})?$/) currency = '';
  /** Why the order is being given up; empty while it is not. */
  @IsString() @MaxLength(500) reason = '';
  /** Inventory has told that the stock is the order's own. Runs of before may lack it. */
  @IsOptional() @IsBoolean() isSold?: boolean;
  /** Payments has told that it holds no money of the order any more. */
  @IsBoolean() isMoneyBack = false;
  /** Inventory has told that the order holds no stock any more. */
  @IsBoolean() isStockBack = false;
}

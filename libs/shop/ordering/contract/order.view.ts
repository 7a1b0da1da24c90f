import type { Fields } from '@fledge/kit/contract';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsDate, IsIn, IsInt, IsOptional, IsString, IsUUID, MaxLength, Min, ValidateNested } from 'class-validator';
import { ORDER_STATES, type OrderState } from './order-state.js';

/** So many of one product, as it was when it was ordered. */
export class OrderLineView {
  @IsUUID() readonly productId!: string;
  @IsString() @MaxLength(40) readonly sku!: string;
  @IsString() @MaxLength(200) readonly name!: string;
  /** Minor units of the order's currency. */
  @IsInt() @Min(0) readonly unitPriceMinor!: number;
  @IsInt() @Min(1) readonly quantity!: number;
  constructor(fields: Fields<OrderLineView>) {
    Object.assign(this, fields);
  }
}

/** A state that an order came to. */
export class OrderStepView {
  @IsIn(ORDER_STATES) readonly state!: OrderState;
  @IsDate() readonly at!: Date;
  /** Why, if it went wrong: for a person. */
  @IsOptional() @IsString() @MaxLength(500) readonly reason?: string;
  constructor(fields: Fields<OrderStepView>) {
    Object.assign(this, fields);
  }
}

/** An order. */
export class OrderView {
  @IsUUID() readonly id!: string;
  @IsUUID() readonly userId!: string;
  @IsIn(ORDER_STATES) readonly state!: OrderState;
  /** ISO 4217. */
  @IsString() @MaxLength(3) readonly currency!: string;
  /** Minor units of `currency`. */
  @IsInt() @Min(0) readonly totalMinor!: number;
  @ValidateNested({ each: true }) @Type(() => OrderLineView) @ArrayMaxSize(50) readonly lines!: OrderLineView[];
  @IsDate() readonly createdAt!: Date;
  /** All states, the first first. */
  @ValidateNested({ each: true }) @Type(() => OrderStepView) @ArrayMaxSize(20) readonly history!: OrderStepView[];
  constructor(fields: Fields<OrderView>) {
    Object.assign(this, fields);
  }
}

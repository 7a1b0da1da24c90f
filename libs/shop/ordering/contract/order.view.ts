import type { Fields } from '@fledge/kit/contract';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsDate,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
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

/** Steps of an order that are shown: the last ones, and there are never as many. */
export const ORDER_HISTORY_MAX = 100;

/** Something that happened to an order. */
export class OrderStepView {
  @IsDate() readonly at!: Date;
  /** For a person: the name of the state that it came to, or what happened otherwise, as in 'the stock was sold'. */
  @IsString() @MaxLength(600) readonly what!: string;
  /** The state that it came to, if it is that: an order comes to each state once. */
  @IsOptional() @IsIn(ORDER_STATES) readonly state?: OrderState;
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
  /** All that happened, the first first. */
  @ValidateNested({ each: true })
  @Type(() => OrderStepView)
  @ArrayMaxSize(ORDER_HISTORY_MAX)
  readonly history!: OrderStepView[];
  constructor(fields: Fields<OrderView>) {
    Object.assign(this, fields);
  }
}

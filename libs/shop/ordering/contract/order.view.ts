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

/** A quantity of one product, with the product's data at the time of the order. */
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

/** The most steps of an order that are shown, the latest ones; in practice an order has fewer. */
export const ORDER_HISTORY_MAX = 100;

/** Something that happened to an order. */
export class OrderStepView {
  @IsDate() readonly at!: Date;
  /** For a person: the name of the new state, or what else happened, as in 'the stock was sold'. */
  @IsString() @MaxLength(600) readonly what!: string;
  /** The new state, if the step is one: an order enters each state once. */
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
  /** Everything that happened, oldest first. */
  @ValidateNested({ each: true })
  @Type(() => OrderStepView)
  @ArrayMaxSize(ORDER_HISTORY_MAX)
  readonly history!: OrderStepView[];
  constructor(fields: Fields<OrderView>) {
    Object.assign(this, fields);
  }
}

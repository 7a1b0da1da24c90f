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
import { PAYMENT_METHOD_MAX, REASON_MAX } from './payment-method.js';
import { PAYMENT_STATES, type PaymentState } from './payment-state.js';

/** A state of a payment, and when it was entered. */
export class PaymentStepView {
  @IsIn(PAYMENT_STATES) readonly state!: PaymentState;
  @IsDate() readonly at!: Date;
  /** Why, if it went wrong or was cancelled: for a person. */
  @IsOptional() @IsString() @MaxLength(REASON_MAX) readonly reason?: string;
  constructor(fields: Fields<PaymentStepView>) {
    Object.assign(this, fields);
  }
}

/** The payment of an order. */
export class PaymentView {
  @IsUUID() readonly orderId!: string;
  @IsIn(PAYMENT_STATES) readonly state!: PaymentState;
  /** None if it was cancelled before it had begun; the same goes for `currency` and `paymentMethod`. */
  @IsOptional() @IsUUID() readonly userId?: string;
  /** Minor units of `currency`. */
  @IsInt() @Min(0) readonly amountMinor!: number;
  /** ISO 4217. */
  @IsOptional() @IsString() @MaxLength(3) readonly currency?: string;
  @IsOptional() @IsString() @MaxLength(PAYMENT_METHOD_MAX) readonly paymentMethod?: string;
  /** The captured amount: nothing or `amountMinor`. */
  @IsInt() @Min(0) readonly capturedMinor!: number;
  /** The refunded amount: nothing or `capturedMinor`. */
  @IsInt() @Min(0) readonly refundedMinor!: number;
  @IsDate() readonly createdAt!: Date;
  /** All states, oldest first. */
  @ValidateNested({ each: true }) @Type(() => PaymentStepView) @ArrayMaxSize(20) readonly history!: PaymentStepView[];
  constructor(fields: Fields<PaymentView>) {
    Object.assign(this, fields);
  }
}

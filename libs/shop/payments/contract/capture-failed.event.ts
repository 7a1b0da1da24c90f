import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsInt, IsOptional, IsString, IsUUID, MaxLength, Min } from 'class-validator';
import { REASON_MAX } from './payment-method.js';

/**
 * The money for an order was not captured, and the provider will not be asked again until somebody sends
 * `RetryPayment`.
 */
@EventContract('payments.capture-failed.v1', { key: 'orderId' })
export class CaptureFailed {
  @IsUUID() readonly orderId!: string;
  /** Why, for a person. */
  @IsString() @MaxLength(REASON_MAX) readonly reason!: string;
  /** Which attempt was refused, for `RetryPayment`: 1 is the first. */
  @IsOptional() @IsInt() @Min(1) readonly attempt?: number;
  constructor(fields: Fields<CaptureFailed>) {
    Object.assign(this, fields);
  }
}

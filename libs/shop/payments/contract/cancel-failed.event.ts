import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsInt, IsOptional, IsString, IsUUID, MaxLength, Min } from 'class-validator';
import { REASON_MAX } from './payment-method.js';

/**
 * The provider refuses to release or return the money of an order, and will not be asked again until somebody sends
 * `RetryPayment`.
 */
@EventContract('payments.cancel-failed.v1', { key: 'orderId' })
export class CancelFailed {
  @IsUUID() readonly orderId!: string;
  /** Why, for a person. */
  @IsString() @MaxLength(REASON_MAX) readonly reason!: string;
  /** Which attempt was refused, for `RetryPayment`: 1 is the first. */
  @IsOptional() @IsInt() @Min(1) readonly attempt?: number;
  constructor(fields: Fields<CancelFailed>) {
    Object.assign(this, fields);
  }
}

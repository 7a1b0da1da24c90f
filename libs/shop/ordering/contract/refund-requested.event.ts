import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsBoolean, IsUUID, Length } from 'class-validator';

/** The refund of a completed order was requested. */
@EventContract('ordering.refund-requested.v1', { key: 'orderId' })
export class RefundRequested {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  /** For people. */
  @Length(1, 500) readonly reason!: string;
  /** Whether the returned goods can be sold again. */
  @IsBoolean() readonly restock!: boolean;
  constructor(fields: Fields<RefundRequested>) {
    Object.assign(this, fields);
  }
}

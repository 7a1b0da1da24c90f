import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsBoolean, IsUUID, Length } from 'class-validator';

/** The money of a completed order is to go back. */
@EventContract('ordering.refund-requested.v1', { key: 'orderId' })
export class RefundRequested {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  /** For people. */
  @Length(1, 500) readonly reason!: string;
  /** Whether what was sold can be sold again. */
  @IsBoolean() readonly restock!: boolean;
  constructor(fields: Fields<RefundRequested>) {
    Object.assign(this, fields);
  }
}

import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID, Length } from 'class-validator';

/** The cancellation of an order that is being paid was requested. */
@EventContract('ordering.cancel-requested.v1', { key: 'orderId' })
export class CancelRequested {
  @IsUUID() readonly orderId!: string;
  @Length(1, 500) readonly reason!: string;
  constructor(fields: Fields<CancelRequested>) {
    Object.assign(this, fields);
  }
}

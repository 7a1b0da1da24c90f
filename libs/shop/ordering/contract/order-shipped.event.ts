import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsString, IsUUID, Length } from 'class-validator';

/** An order is on its way to the buyer, and can no longer be cancelled. */
@EventContract('ordering.order-shipped.v1', { key: 'orderId' })
export class OrderShipped {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  /** The tracking code of the parcel service. */
  @IsString() @Length(1, 100) readonly trackingCode!: string;
  constructor(fields: Fields<OrderShipped>) {
    Object.assign(this, fields);
  }
}

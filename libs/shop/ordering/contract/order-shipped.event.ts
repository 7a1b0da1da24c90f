import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsString, IsUUID, Length } from 'class-validator';

/** An order is on its way to its buyer, and cannot be cancelled any more. */
@EventContract('ordering.order-shipped.v1', { key: 'orderId' })
export class OrderShipped {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  /** As the parcel service knows it. */
  @IsString() @Length(1, 100) readonly trackingCode!: string;
  constructor(fields: Fields<OrderShipped>) {
    Object.assign(this, fields);
  }
}

import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

/** The stock of an order was not sold in time and was released. */
@EventContract('inventory.reservation-expired.v1', { key: 'orderId' })
export class ReservationExpired {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<ReservationExpired>) {
    Object.assign(this, fields);
  }
}

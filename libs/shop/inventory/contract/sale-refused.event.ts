import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID, Length } from 'class-validator';

/** The stock of an order could not be sold, because none is reserved for it. */
@EventContract('inventory.sale-refused.v1', { key: 'orderId' })
export class SaleRefused {
  @IsUUID() readonly orderId!: string;
  /** For people. */
  @Length(1, 200) readonly reason!: string;
  constructor(fields: Fields<SaleRefused>) {
    Object.assign(this, fields);
  }
}

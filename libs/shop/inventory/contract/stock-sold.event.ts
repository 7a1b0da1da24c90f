import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

/** The stock that was reserved for an order is sold. */
@EventContract('inventory.stock-sold.v1', { key: 'orderId' })
export class StockSold {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<StockSold>) {
    Object.assign(this, fields);
  }
}

import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

/** An order no longer holds stock, and never will: what was reserved or sold was released. */
@EventContract('inventory.stock-released.v1', { key: 'orderId' })
export class StockReleased {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<StockReleased>) {
    Object.assign(this, fields);
  }
}

import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

/** An order holds no stock any more, and will hold none: what was reserved or sold went back. */
@EventContract('inventory.stock-released.v1', { key: 'orderId' })
export class StockReleased {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<StockReleased>) {
    Object.assign(this, fields);
  }
}

import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';

/**
 * Sells what is reserved for an order, which then no longer expires. Safe to repeat; `StockSold` or `SaleRefused`
 * reports the result.
 */
@CommandContract('inventory.sell-stock.v1', { deadlineMs: 5_000, idempotent: true })
export class SellStock extends Command<void> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<SellStock>) {
    super();
    Object.assign(this, fields);
  }
}

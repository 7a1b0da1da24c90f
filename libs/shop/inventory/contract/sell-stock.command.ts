import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';

/**
 * Sells what is reserved for an order, from when on it does not expire. Safe to repeat; what came of it is told by
 * `StockSold` or `SaleRefused`.
 */
@CommandContract('inventory.sell-stock.v1', { deadlineMs: 5_000, idempotent: true })
export class SellStock extends Command<void> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<SellStock>) {
    super();
    Object.assign(this, fields);
  }
}

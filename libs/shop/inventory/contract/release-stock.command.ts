import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';

/**
 * Gives the stock of an order back, whether it is reserved or sold. Safe to repeat, and to send for an order without a
 * reservation: none is made for it afterwards. That it is done is told by `StockReleased`, also when there was nothing
 * to give back.
 */
@CommandContract('inventory.release-stock.v1', { deadlineMs: 5_000, idempotent: true })
export class ReleaseStock extends Command<void> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<ReleaseStock>) {
    super();
    Object.assign(this, fields);
  }
}

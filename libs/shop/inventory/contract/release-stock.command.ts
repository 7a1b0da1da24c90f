import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';

/**
 * Releases the stock of an order, whether it is reserved or sold. Safe to repeat, and to send for an order without a
 * reservation, which then can no longer get one. `StockReleased` reports completion, even if there was nothing to
 * release.
 */
@CommandContract('inventory.release-stock.v1', { deadlineMs: 5_000, idempotent: true })
export class ReleaseStock extends Command<void> {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<ReleaseStock>) {
    super();
    Object.assign(this, fields);
  }
}

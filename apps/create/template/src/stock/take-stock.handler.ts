import { CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThanOrEqual, Repository } from 'typeorm';
import { StockTaken, TakeStock } from './contract/index.js';
import { Level } from './level.entity.js';

/**
 * Runs in the transaction that records the command as handled, so it takes stock once, however often the command is
 * delivered.
 */
@CommandHandler(TakeStock)
export class TakeStockHandler implements ICommandHandler<TakeStock> {
  constructor(
    @InjectRepository(Level) private readonly levels: Repository<Level>,
    private readonly events: EventBus,
  ) {}

  async execute({ orderId, item, quantity }: TakeStock): Promise<void> {
    const { affected } = await this.levels.decrement({ item, available: MoreThanOrEqual(quantity) }, 'available', quantity);
    this.events.publish(new StockTaken({ orderId, enough: affected === 1 }));
  }
}

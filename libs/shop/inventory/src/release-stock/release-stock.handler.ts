import { CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { ReleaseStock, StockReleased } from '../../contract/index.js';
import { ReservationRepository } from '../storage/reservation.repository.js';
import { GivingBack } from './giving-back.js';

/** Releases the stock of an order, once. */
@CommandHandler(ReleaseStock)
export class ReleaseStockHandler implements ICommandHandler<ReleaseStock> {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly reservations: ReservationRepository,
    private readonly givingBack: GivingBack,
    private readonly events: EventBus,
  ) {}

  async execute({ orderId }: ReleaseStock): Promise<void> {
    await this.dataSource.transaction(async () => {
      // A release may overtake its reservation if the order gave up waiting: creating a released reservation first
      // keeps the later one from holding stock.
      const opened = await this.reservations.open(orderId, 'released', 0);
      const reservation = opened ? undefined : await this.reservations.lock(orderId);
      if (reservation) await this.givingBack.giveBack(reservation);
      this.events.publish(new StockReleased({ orderId }));
    });
  }
}

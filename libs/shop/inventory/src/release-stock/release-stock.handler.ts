import { CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { ReleaseStock, StockReleased } from '../../contract/index.js';
import { ReservationRepository } from '../storage/reservation.repository.js';
import { GivingBack } from './giving-back.js';

/** Gives the stock of an order back, once. */
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
      // A release may overtake its reservation, when the order gave up waiting: taking the place first keeps it from
      // holding stock.
      const opened = await this.reservations.open(orderId, 'released', 0);
      const reservation = opened ? undefined : await this.reservations.lock(orderId);
      if (reservation) await this.givingBack.giveBack(reservation);
      this.events.publish(new StockReleased({ orderId }));
    });
  }
}

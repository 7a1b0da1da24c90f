import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { ReleaseStock, ReservationConfirmed } from '../../contract/index.js';
import { release } from '../domain/stock.js';
import { type Reservation, ReservationRepository } from '../storage/reservation.repository.js';
import { StockRepository } from '../storage/stock.repository.js';

/** Gives the stock of an order back, once. */
@CommandHandler(ReleaseStock)
export class ReleaseStockHandler implements ICommandHandler<ReleaseStock> {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly reservations: ReservationRepository,
    private readonly stock: StockRepository,
  ) {}

  async execute({ orderId }: ReleaseStock): Promise<void> {
    await this.dataSource.transaction(async () => {
      // A release may overtake its reservation, when the order gave up waiting: taking the place first keeps it from holding stock.
      if (await this.reservations.open(orderId, 'released', new Date())) return;
      const reservation = await this.reservations.lock(orderId);
      if (reservation?.status === 'confirmed') throw new ReservationConfirmed({ orderId });
      if (reservation?.status === 'held') await this.giveBack(reservation);
    });
  }

  private async giveBack({ orderId, lines }: Reservation): Promise<void> {
    const stocks = await this.stock.lock(lines.map((line) => line.productId));
    await this.stock.store(
      lines.map(({ productId, quantity }) => {
        const stock = stocks.get(productId);
        if (!stock) throw new Error(`order ${orderId} holds stock of product ${productId}, which has none`);
        return release(stock, quantity);
      }),
    );
    await this.reservations.mark(orderId, 'released');
  }
}

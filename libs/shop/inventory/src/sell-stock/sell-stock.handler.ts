import { CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { SaleRefused, SellStock, StockSold } from '../../contract/index.js';
import { sell } from '../domain/stock.js';
import { type Reservation, ReservationRepository } from '../storage/reservation.repository.js';
import { StockRepository } from '../storage/stock.repository.js';

/** Sells what is reserved for an order, once. */
@CommandHandler(SellStock)
export class SellStockHandler implements ICommandHandler<SellStock> {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly reservations: ReservationRepository,
    private readonly stock: StockRepository,
    private readonly events: EventBus,
  ) {}

  async execute({ orderId }: SellStock): Promise<void> {
    await this.dataSource.transaction(async () => {
      const reservation = await this.reservations.lock(orderId);
      if (reservation?.status === 'held') await this.sell(reservation);
      const isSold = reservation !== undefined && reservation.status !== 'released';
      this.events.publish(
        isSold
          ? new StockSold({ orderId })
          : new SaleRefused({
              orderId,
              reason: reservation ? 'its reservation was released' : 'nothing is reserved for it',
            }),
      );
    });
  }

  private async sell({ orderId, lines }: Reservation): Promise<void> {
    const stocks = await this.stock.lock(lines.map((line) => line.productId));
    await this.stock.store(
      lines.map(({ productId, quantity }) => {
        const stock = stocks.get(productId);
        if (!stock) throw new Error(`order ${orderId} holds stock of product ${productId}, which has none`);
        return sell(stock, quantity);
      }),
    );
    await this.reservations.mark(orderId, 'confirmed');
  }
}

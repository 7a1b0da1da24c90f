import { Injectable } from '@nestjs/common';
import { release, restock } from '../domain/stock.js';
import { type Reservation, ReservationRepository } from '../storage/reservation.repository.js';
import { StockRepository } from '../storage/stock.repository.js';

/** Releases the stock that an order holds. */
@Injectable()
export class GivingBack {
  constructor(
    private readonly reservations: ReservationRepository,
    private readonly stock: StockRepository,
  ) {}

  /** Makes available again what a locked reservation has reserved or sold, in the caller's transaction. */
  async giveBack({ orderId, status, lines }: Reservation): Promise<void> {
    if (status === 'released') return;
    const stocks = await this.stock.lock(lines.map((line) => line.productId));
    const back = status === 'held' ? release : restock;
    await this.stock.store(
      lines.map(({ productId, quantity }) => {
        const stock = stocks.get(productId);
        if (!stock) throw new Error(`order ${orderId} holds stock of product ${productId}, which has none`);
        return back(stock, quantity);
      }),
    );
    await this.reservations.mark(orderId, 'released');
  }
}

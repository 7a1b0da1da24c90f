import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import {
  OutOfStock,
  ReservationDiffers,
  ReservationLine,
  ReservationReleased,
  ReserveStock,
  StockReservation,
} from '../../contract/index.js';
import { type Line, noStock, reserve, sameLines, type Stock, tidy } from '../domain/stock.js';
import { InventorySettings } from '../settings.js';
import { type Reservation, ReservationRepository } from '../storage/reservation.repository.js';
import { StockRepository } from '../storage/stock.repository.js';

/** Reserves stock for an order: all lines or none, once per order. */
@CommandHandler(ReserveStock)
export class ReserveStockHandler implements ICommandHandler<ReserveStock> {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly reservations: ReservationRepository,
    private readonly stock: StockRepository,
    private readonly settings: InventorySettings,
  ) {}

  async execute({ orderId, lines }: ReserveStock): Promise<StockReservation> {
    const wanted = tidy(lines);
    // An error rolls everything back, including the opened reservation, so a refused order may try again.
    return this.dataSource.transaction(async () => {
      const expiresAt = await this.reservations.open(orderId, 'held', this.settings.reservationMs);
      if (!expiresAt) return this.again(orderId, wanted);
      await this.take(wanted);
      await this.reservations.addLines(orderId, wanted);
      return viewOf({ orderId, status: 'held', expiresAt, lines: wanted });
    });
  }

  /** The existing reservation of the order, if it has the requested lines. */
  private async again(orderId: string, wanted: readonly Line[]): Promise<StockReservation> {
    const reservation = await this.reservations.lock(orderId);
    if (!reservation) throw new Error(`the reservation of order ${orderId} is there and is not`);
    if (reservation.status === 'released') throw new ReservationReleased({ orderId });
    if (!sameLines(reservation.lines, wanted)) throw new ReservationDiffers({ orderId });
    return viewOf(reservation);
  }

  private async take(wanted: readonly Line[]): Promise<void> {
    const stocks = await this.stock.lock(wanted.map((line) => line.productId));
    const taken: Stock[] = [];
    for (const { productId, quantity } of wanted) {
      const stock = stocks.get(productId) ?? noStock(productId);
      const after = reserve(stock, quantity);
      if (!after) throw new OutOfStock({ productId, requested: quantity, available: stock.available });
      taken.push(after);
    }
    await this.stock.store(taken);
  }
}

function viewOf({ orderId, status, expiresAt, lines }: Reservation): StockReservation {
  return new StockReservation({
    orderId,
    status: status === 'confirmed' ? 'confirmed' : 'held',
    expiresAt,
    lines: lines.map((line) => new ReservationLine(line)),
  });
}

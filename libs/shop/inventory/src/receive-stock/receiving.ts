import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { TooMuchStock } from '../../contract/index.js';
import { noStock, RECEIVED_MAX, receive, tidy } from '../domain/stock.js';
import { type Receipt, ReceiptRepository } from '../storage/receipt.repository.js';
import { StockRepository } from '../storage/stock.repository.js';

/** Adds deliveries to the stock. */
@Injectable()
export class Receiving {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly receipts: ReceiptRepository,
    private readonly stock: StockRepository,
  ) {}

  /**
   * Receives deliveries, all or none, each reference once: known references are ignored. Returns how many were new.
   * Fails with `TooMuchStock`. Does not check that the products exist.
   */
  async receive(receipts: readonly Receipt[]): Promise<number> {
    return this.dataSource.transaction(async () => {
      const added = await this.receipts.add(receipts);
      const lines = tidy(receipts.filter((receipt) => added.has(receipt.reference)));
      if (lines.length === 0) return 0;
      const productIds = lines.map((line) => line.productId);
      await this.stock.open(productIds);
      const stocks = await this.stock.lock(productIds);
      await this.stock.store(
        lines.map(({ productId, quantity }) => {
          const after = receive(stocks.get(productId) ?? noStock(productId), quantity);
          if (!after) throw new TooMuchStock({ productId, receivedMax: RECEIVED_MAX });
          return after;
        }),
      );
      return added.size;
    });
  }
}

import { ApiProperty } from '@fledge/kit/openapi';
import type { Stock } from '../domain/stock.js';

/** The stock of a product, as HTTP shows it. */
export class StockView implements Stock {
  @ApiProperty({ format: 'uuid' }) readonly productId: string;
  @ApiProperty({ type: 'integer', description: 'All that ever came in: available + reserved + sold' })
  readonly received: number;
  @ApiProperty({ type: 'integer' }) readonly available: number;
  @ApiProperty({ type: 'integer', description: 'Kept for orders' }) readonly reserved: number;
  @ApiProperty({ type: 'integer' }) readonly sold: number;

  constructor(stock: Stock) {
    this.productId = stock.productId;
    this.received = stock.received;
    this.available = stock.available;
    this.reserved = stock.reserved;
    this.sold = stock.sold;
  }
}

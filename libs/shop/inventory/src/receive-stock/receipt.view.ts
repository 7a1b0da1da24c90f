import { ApiProperty } from '@fledge/kit/openapi';
import type { Stock } from '../domain/stock.js';
import { StockView } from '../get-stock/stock.view.js';
import type { Receipt } from '../storage/receipt.repository.js';

/** A delivery, and the stock as it is now. */
export class ReceiptView {
  @ApiProperty({ example: 'DN-2026-0117' }) readonly reference: string;
  @ApiProperty({ format: 'uuid' }) readonly productId: string;
  @ApiProperty({ type: 'integer', example: 100 }) readonly quantity: number;
  @ApiProperty() readonly receivedAt: Date;
  @ApiProperty({ type: StockView }) readonly stock: StockView;

  constructor(receipt: Receipt, stock: Stock) {
    this.reference = receipt.reference;
    this.productId = receipt.productId;
    this.quantity = receipt.quantity;
    this.receivedAt = receipt.receivedAt;
    this.stock = new StockView(stock);
  }
}

import { Roles } from '@fledge/kit';
import { Body, Controller, Post } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiBadRequestResponse, ApiBearerAuth, ApiConflictResponse, ApiCreatedResponse, ApiForbiddenResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { GetProduct, ProductNotFound } from '@shop/catalog/contract';
import { ReceiptDiffers, UnknownProduct } from '../../contract/index.js';
import { noStock } from '../domain/stock.js';
import { ReceiptRepository } from '../storage/receipt.repository.js';
import { StockRepository } from '../storage/stock.repository.js';
import { NewReceipt } from './receipt-body.js';
import { ReceiptView } from './receipt.view.js';
import { Receiving } from './receiving.js';

/** Staff receive deliveries. */
@ApiTags('inventory')
@ApiBearerAuth()
@Roles('staff')
@Controller('stock/receipts')
export class ReceiveStockController {
  constructor(
    private readonly queries: QueryBus,
    private readonly receiving: Receiving,
    private readonly receipts: ReceiptRepository,
    private readonly stock: StockRepository,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Receive a delivery (staff); safe to send again' })
  @ApiCreatedResponse({ type: ReceiptView })
  @ApiBadRequestResponse({ description: 'A field breaks its rule, or inventory.unknown-product.v1' })
  @ApiForbiddenResponse({ description: 'Not staff' })
  @ApiConflictResponse({ description: 'inventory.receipt-differs.v1 or inventory.too-much-stock.v1' })
  async receive(@Body() body: NewReceipt): Promise<ReceiptView> {
    const productId = body.productId.toLowerCase();
    await this.refuseUnknown(productId);
    await this.receiving.receive([{ ...body, productId, receivedAt: new Date() }]);
    const receipt = await this.receipts.find(body.reference);
    if (receipt?.productId !== productId || receipt.quantity !== body.quantity) throw new ReceiptDiffers({ reference: body.reference });
    return new ReceiptView(receipt, (await this.stock.find(productId)) ?? noStock(productId));
  }

  private async refuseUnknown(productId: string): Promise<void> {
    try {
      await this.queries.execute(new GetProduct({ productId }));
    } catch (error) {
      throw error instanceof ProductNotFound ? new UnknownProduct({ productId }) : error;
    }
  }
}

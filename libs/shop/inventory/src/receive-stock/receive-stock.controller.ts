import { Roles } from '@fledge/kit';
import { Body, Controller, Post } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOperation,
  ApiTags,
} from '@fledge/kit/openapi';
import { GetProduct } from '@shop/catalog/contract';
import { ReceiptDiffers } from '../../contract/index.js';
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
  @ApiBadRequestResponse({ description: 'A field breaks its rule' })
  @ApiForbiddenResponse({ description: 'Not staff' })
  @ApiNotFoundResponse({ description: 'catalog.product-not-found.v1' })
  @ApiConflictResponse({ description: 'inventory.receipt-differs.v1 or inventory.too-much-stock.v1' })
  async receive(@Body() body: NewReceipt): Promise<ReceiptView> {
    const productId = body.productId.toLowerCase();
    // Fails with catalog's ProductNotFound.
    await this.queries.execute(new GetProduct({ productId }));
    await this.receiving.receive([{ ...body, productId, receivedAt: new Date() }]);
    const receipt = await this.receipts.find(body.reference);
    if (receipt?.productId !== productId || receipt.quantity !== body.quantity)
      throw new ReceiptDiffers({ reference: body.reference });
    return new ReceiptView(receipt, (await this.stock.find(productId)) ?? noStock(productId));
  }
}

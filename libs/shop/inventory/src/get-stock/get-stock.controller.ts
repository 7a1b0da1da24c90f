import { Roles } from '@fledge/kit';
import { Controller, Get, Param } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
} from '@fledge/kit/openapi';
import { IsUUID } from 'class-validator';
import { StockNotFound } from '../../contract/index.js';
import { StockRepository } from '../storage/stock.repository.js';
import { StockView } from './stock.view.js';

/** The `:productId` in a path. */
export class StockId {
  @ApiProperty({ format: 'uuid' }) @IsUUID() readonly productId!: string;
}

/** The stock of a product, for staff. */
@ApiTags('inventory')
@ApiBearerAuth()
@Roles('staff')
@Controller('stock')
export class GetStockController {
  constructor(private readonly stock: StockRepository) {}

  @Get(':productId')
  @ApiOperation({ summary: 'How much of a product there is (staff)' })
  @ApiOkResponse({ type: StockView })
  @ApiBadRequestResponse({ description: 'The id is not a UUID' })
  @ApiForbiddenResponse({ description: 'Not staff' })
  @ApiNotFoundResponse({ description: 'inventory.stock-not-found.v1' })
  async get(@Param() { productId }: StockId): Promise<StockView> {
    const stock = await this.stock.find(productId);
    if (!stock) throw new StockNotFound({ productId });
    return new StockView(stock);
  }
}

import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { Availability, GetAvailability } from '../../contract/index.js';
import { StockRepository } from '../storage/stock.repository.js';

/** Returns how many of each product could be reserved. */
@QueryHandler(GetAvailability)
export class GetAvailabilityHandler implements IQueryHandler<GetAvailability> {
  constructor(private readonly stock: StockRepository) {}

  async execute({ productIds }: GetAvailability): Promise<Availability[]> {
    const found = new Map((await this.stock.findAll(productIds)).map((stock) => [stock.productId, stock.available]));
    return productIds.map(
      (productId) => new Availability({ productId, available: found.get(productId.toLowerCase()) ?? 0 }),
    );
  }
}

import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { GetLevel, type StockLevel } from './contract/index.js';
import { Level } from './level.entity.js';

@QueryHandler(GetLevel)
export class GetLevelHandler implements IQueryHandler<GetLevel> {
  constructor(@InjectRepository(Level) private readonly levels: Repository<Level>) {}

  async execute({ item }: GetLevel): Promise<StockLevel> {
    const level = await this.levels.findOneBy({ item });
    return { item, available: level?.available ?? 0 };
  }
}

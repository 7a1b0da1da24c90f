import { CommandContract, defineContract, EventContract, type Fields, QueryContract } from '@fledge/kit/contract';
import { Command, Query } from '@nestjs/cqrs';
import { IsBoolean, IsInt, IsString, IsUUID, Min } from 'class-validator';

export class StockLevel {
  @IsString() item!: string;
  @IsInt() available!: number;
}

/** How many of an item there are; 0 for an unknown one. */
@QueryContract('stock.get-level.v1', { result: StockLevel })
export class GetLevel extends Query<StockLevel> {
  @IsString() readonly item!: string;
  constructor(fields: Fields<GetLevel>) {
    super();
    Object.assign(this, fields);
  }
}

/** Takes items for an order; the event `stock.stock-taken` says whether there were enough. */
@CommandContract('stock.take-stock.v1', { access: { identity: 'optional', callers: ['orders'] } })
export class TakeStock extends Command<void> {
  @IsUUID() readonly orderId!: string;
  @IsString() readonly item!: string;
  @IsInt() @Min(1) readonly quantity!: number;
  constructor(fields: Fields<TakeStock>) {
    super();
    Object.assign(this, fields);
  }
}

@EventContract('stock.stock-taken.v1', { key: 'orderId' })
export class StockTaken {
  @IsUUID() readonly orderId!: string;
  @IsBoolean() readonly enough!: boolean;
  constructor(fields: Fields<StockTaken>) {
    Object.assign(this, fields);
  }
}

export const StockContract = defineContract({
  name: 'stock',
  queries: [GetLevel],
  commands: [TakeStock],
  events: [StockTaken],
  // who may: each module that uses this contract, with or without a user behind the call
  access: { identity: 'optional' },
});

import { Public } from '@fledge/kit';
import { Body, ConflictException, Controller, Get, Post } from '@nestjs/common';
import { EventBus, QueryBus } from '@nestjs/cqrs';
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import { IsInt, IsString, Max, Min } from 'class-validator';
import { DataSource, Repository } from 'typeorm';
import { GetLevel } from '../stock/contract/index.js';
import { OrderPlaced } from './contract/index.js';
import { Order } from './order.entity.js';

export class PlaceOrder {
  @IsString() item!: string;
  @IsInt() @Min(1) @Max(100) quantity!: number;
}

// who may: everybody, until a module logs users in; see Authentication of @fledge/kit
@Public()
@Controller('orders')
export class OrdersController {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly queries: QueryBus,
    private readonly events: EventBus,
  ) {}

  @Post()
  async place(@Body() { item, quantity }: PlaceOrder): Promise<Order> {
    const { available } = await this.queries.execute(new GetLevel({ item }));
    if (available < quantity) throw new ConflictException(`there are ${available} of ${item}`);
    return this.dataSource.transaction(async () => {
      const order = await this.orders.save(this.orders.create({ item, quantity }));
      this.events.publish(new OrderPlaced({ orderId: order.id, item, quantity }));
      return order;
    });
  }

  @Get()
  list(): Promise<Order[]> {
    return this.orders.find();
  }
}

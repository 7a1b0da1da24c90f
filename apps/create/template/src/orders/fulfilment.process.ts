import { Continues, OnTimer, Process, type Run, Starts } from '@fledge/kit';
import { InjectRepository } from '@nestjs/typeorm';
import { IsString } from 'class-validator';
import { Repository } from 'typeorm';
import { StockTaken, TakeStock } from '../stock/contract/index.js';
import { OrderPlaced } from './contract/index.js';
import { Order } from './order.entity.js';

/** The state that a run keeps between its events. */
export class FulfilmentState {
  @IsString() item = '';
}

/** One run for each order, from the moment it is placed until it is confirmed or refused. */
@Process('fulfilment', { state: FulfilmentState })
export class Fulfilment {
  constructor(@InjectRepository(Order) private readonly orders: Repository<Order>) {}

  @Starts(OrderPlaced, ({ orderId }) => orderId)
  begin(event: OrderPlaced, run: Run<FulfilmentState>): void {
    run.state.item = event.item;
    // goes out with the commit, and is retried
    run.send(new TakeStock(event));
    // fires once, also after a restart
    run.setTimer('stock', 60_000);
  }

  @Continues(StockTaken, ({ orderId }) => orderId)
  async taken({ orderId, enough }: StockTaken, run: Run<FulfilmentState>): Promise<void> {
    await this.orders.update(orderId, { state: enough ? 'confirmed' : 'refused' });
    run.finish(enough ? 'confirmed' : `too little ${run.state.item}`);
  }

  @OnTimer('stock')
  late(run: Run<FulfilmentState>): void {
    // the command is still on its way: check the module `stock`
    run.setTimer('stock', 60_000);
  }
}

import { Body, Controller, HttpCode, Injectable, Logger, Param, Post } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, EventBus, EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { IsString } from 'class-validator';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { type Application, BoundedModule, Consumer, Continues, OnTimer, Process, type Run, Starts } from '@fledge/kit';
import { CommandContract, defineContract, EventContract } from '@fledge/kit/contract';

class OfOrder {
  @IsString() readonly order: string;
  constructor(order: string) {
    this.order = order;
  }
}

@EventContract('orders.placed.v1', { key: 'order' })
class Placed extends OfOrder {}

@EventContract('stock.packed.v1', { key: 'order' })
class Packed extends OfOrder {}

@CommandContract('stock.reserve.v1')
class Reserve extends Command<void> {
  @IsString() readonly order: string;
  constructor(order: string) {
    super();
    this.order = order;
  }
}

@CommandContract('stock.pack.v1')
class Pack extends Command<void> {
  @IsString() readonly order: string;
  constructor(order: string) {
    super();
    this.order = order;
  }
}

const Orders = defineContract({ name: 'orders', routes: ['/orders'], events: [Placed] });
const Stock = defineContract({ name: 'stock', commands: [Reserve, Pack], events: [Packed] });

/**
 * What an application's own instrumentation does, given by a file that is loaded before: the application itself must run
 * without OpenTelemetry.
 */
async function ownSpan(name: string): Promise<void> {
  await (globalThis as { ownSpan?: (name: string) => Promise<void> }).ownSpan?.(name);
}

class Tables1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table note (text text not null)');
  }
  async down(): Promise<void> {}
}

@Injectable()
class Notes {
  constructor(private readonly source: DataSource) {}

  async add(text: string): Promise<void> {
    await this.source.query('insert into note values ($1)', [text]);
  }
}

@Controller('orders')
class OrdersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly events: EventBus,
    private readonly source: DataSource,
  ) {}

  @Post(':order/place')
  @HttpCode(202)
  async place(@Param('order') order: string, @Body() _nothing: object): Promise<void> {
    await this.commands.execute(new Reserve(order));
    await this.source.transaction(async () => void this.events.publish(new Placed(order)));
  }
}

class DeliveryState {
  @IsString() packed = '';
}

@Process('delivery', { state: DeliveryState })
class Delivery {
  constructor(private readonly notes: Notes) {}

  @Starts(Placed, ({ order }) => order)
  begin({ order }: Placed, run: Run<DeliveryState>): void {
    run.send(new Pack(order));
  }

  @Continues(Packed, ({ order }) => order)
  packed(_event: Packed, run: Run<DeliveryState>): void {
    run.state.packed = 'yes';
    run.setTimer('ask', 50);
  }

  @OnTimer('ask')
  async ask(run: Run<DeliveryState>): Promise<void> {
    await this.notes.add(run.key);
    await ownSpan('own, at the timer');
    new Logger('delivery').warn('the buyer is asked\non two lines');
    run.finish('asked');
  }
}

@CommandHandler(Reserve)
class ReserveHandler {
  constructor(private readonly notes: Notes) {}

  async execute({ order }: Reserve): Promise<void> {
    if (order === 'broken') throw new Error('the shelf is broken');
    await this.notes.add(order);
    await ownSpan('own, in the call');
  }
}

@CommandHandler(Pack)
class PackHandler {
  constructor(private readonly events: EventBus) {}

  execute({ order }: Pack): void {
    this.events.publish(new Packed(order));
  }
}

@Consumer('labels')
@EventsHandler(Placed)
class Labels implements IEventHandler<Placed> {
  constructor(private readonly notes: Notes) {}

  async handle({ order }: Placed): Promise<void> {
    await this.notes.add(`a label for ${order}`);
  }
}

@BoundedModule({
  contract: Orders,
  uses: [Stock],
  migrations: [Tables1700000000000],
  controllers: [OrdersController],
  providers: [Delivery, Notes],
})
class OrdersModule {}

@BoundedModule({
  contract: Stock,
  uses: [Orders],
  migrations: [Tables1700000000000],
  providers: [ReserveHandler, PackHandler, Labels, Notes],
})
class StockModule {}

/** An order goes through a call, an event with two consumers, a durable command, a process and a timer. */
export const application: Application = {
  name: 'traced',
  access: 'open',
  modules: [
    { contract: Orders, load: () => Promise.resolve(OrdersModule) },
    { contract: Stock, load: () => Promise.resolve(StockModule) },
  ],
};

import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CommandBus, CommandHandler, CqrsModule } from '@nestjs/cqrs';
import { ClientProxyFactory, MessagePattern, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { type BenchReceipt, Place, placeFields, receipt } from '../message.js';
import type { HandlerKind, Peer } from '../peer.js';

@CommandHandler(Place)
class PlaceHandler {
  execute(command: Place): BenchReceipt {
    return receipt(command);
  }
}

@CommandHandler(Place)
class AsyncPlaceHandler {
  async execute(command: Place): Promise<BenchReceipt> {
    return receipt(command);
  }
}

/** The stock command bus: no boundary at all. */
export function nestCqrs(handler: HandlerKind): Peer {
  return {
    connect: async () => {
      @Module({ imports: [CqrsModule.forRoot()], providers: [handler === 'async' ? AsyncPlaceHandler : PlaceHandler] })
      class CqrsBench {}
      const app = await NestFactory.createApplicationContext(CqrsBench, { logger: false });
      await app.init();
      const commands = app.get(CommandBus);
      const message = new Place(placeFields());
      return { call: () => commands.execute(message), close: () => app.close() };
    },
  };
}

@Controller()
class PlaceController {
  @MessagePattern('bench.place')
  place(command: Place): BenchReceipt {
    return receipt(command);
  }
}

@Module({ controllers: [PlaceController] })
class MicroserviceBench {}

/** Stock Nest microservices over NATS: no validation, dates become text. */
export const nestNats: Peer = {
  serve: async (url) => {
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(MicroserviceBench, {
      transport: Transport.NATS,
      options: { servers: [url], queue: 'bench' },
      logger: false,
    });
    await app.listen();
  },
  connect: async (url) => {
    const client = ClientProxyFactory.create({ transport: Transport.NATS, options: { servers: [url] } });
    await client.connect();
    const message = placeFields();
    return {
      call: () => lastValueFrom(client.send('bench.place', message)),
      close: async () => void (await client.close()),
    };
  },
};

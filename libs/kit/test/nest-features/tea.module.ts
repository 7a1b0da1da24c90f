import { BoundedModule } from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import type { MiddlewareConsumer, NestModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, RouterModule } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { BurntFilter, ClosedDoor, TrimText, Wrap } from './enhancers.js';
import {
  CooledHandler,
  Pour,
  PourHandler,
  ReheatHandler,
  ReheatSaga,
  Spoon,
  StirHandler,
  Taste,
  TasteHandler,
} from './handlers.js';
import { later } from './journal.js';
import {
  Blender,
  Brewery,
  CellarModule,
  EverywhereModule,
  Living,
  PerRequest,
  RegisteredModule,
  Stamp,
} from './providers.js';
import { RoutedModule, TeaController } from './web.js';

export const TeaContract = defineContract({ name: 'tea', commands: [Pour], queries: [Taste], routes: ['/tea'] });

@BoundedModule({
  contract: TeaContract,
  imports: [
    CqrsModule,
    CellarModule,
    EverywhereModule,
    RegisteredModule.register('registered'),
    RoutedModule,
    RouterModule.register([{ path: 'tea/admin', module: RoutedModule }]),
  ],
  controllers: [TeaController],
  providers: [
    Brewery,
    Blender,
    PerRequest,
    Spoon,
    Living,
    {
      provide: 'ASYNC',
      useFactory: async (brewery: Brewery) => later('made').then(() => `async ${brewery.name}`),
      inject: [Brewery],
    },
    { provide: 'ALIAS', useExisting: Brewery },
    { provide: APP_GUARD, useClass: ClosedDoor },
    { provide: APP_INTERCEPTOR, useClass: Wrap },
    { provide: APP_PIPE, useClass: TrimText },
    { provide: APP_FILTER, useClass: BurntFilter },
    StirHandler,
    PourHandler,
    { provide: TasteHandler, useFactory: () => new TasteHandler('malt') },
    CooledHandler,
    ReheatHandler,
    ReheatSaga,
  ],
})
export class TeaModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(Stamp).forRoutes('tea/blend');
  }
}

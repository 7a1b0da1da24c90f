import { currentCall } from '@fledge/kit';
import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Global,
  Inject,
  Injectable,
  Module,
  type NestMiddleware,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  Scope,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { later } from './journal.js';

@Injectable()
export class Brewery {
  readonly name = 'brewery';
}

@Injectable()
export class Stamp implements NestMiddleware {
  constructor(private readonly brewery: Brewery) {}
  use(_: IncomingMessage, response: ServerResponse, next: () => void): void {
    response.setHeader('x-stamp', `${this.brewery.name} ${currentCall()?.caller ?? 'outside of any call'}`);
    next();
  }
}

@Injectable({ scope: Scope.REQUEST })
export class PerRequest {
  private static made = 0;
  readonly number = ++PerRequest.made;
  constructor(@Inject(REQUEST) private readonly request: FastifyRequest) {}
  get url(): string {
    return this.request.url;
  }
}

@Injectable()
export class Cellar {
  readonly depth = 7;
}

@Module({ providers: [Cellar], exports: [Cellar] })
export class CellarModule {}

@Global()
@Module({ providers: [{ provide: 'EVERYWHERE', useValue: 'everywhere' }], exports: ['EVERYWHERE'] })
export class EverywhereModule {}

@Module({})
export class RegisteredModule {
  static register(value: string): DynamicModule {
    return {
      module: RegisteredModule,
      providers: [{ provide: 'REGISTERED', useValue: value }],
      exports: ['REGISTERED'],
    };
  }
}

@Injectable()
export class Blender {
  constructor(
    @Inject('ASYNC') readonly async: string,
    @Inject('ALIAS') readonly alias: Brewery,
    @Inject('EVERYWHERE') readonly everywhere: string,
    @Inject('REGISTERED') readonly registered: string,
    readonly cellar: Cellar,
  ) {}
}

@Injectable()
export class Living
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  async onModuleInit(): Promise<void> {
    await later('onModuleInit');
  }
  async onApplicationBootstrap(): Promise<void> {
    await later('onApplicationBootstrap');
  }
  async onModuleDestroy(): Promise<void> {
    await later('onModuleDestroy');
  }
  async beforeApplicationShutdown(): Promise<void> {
    await later('beforeApplicationShutdown');
  }
  async onApplicationShutdown(): Promise<void> {
    await later('onApplicationShutdown');
  }
}

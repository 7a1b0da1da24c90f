import { type Application, BoundedModule, currentCall } from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { QueryBus } from '@nestjs/cqrs';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { ScheduleModule } from '@nestjs/schedule';
import { TerminusModule } from '@nestjs/terminus';
import { ThrottlerModule } from '@nestjs/throttler';
import type { Cache } from 'cache-manager';
import { Logger, LoggerModule } from 'nestjs-pino';
import { KettleContract, KettleModule, Temperature } from './kettle.module.js';

/** What cups heard of the kettle's private events: nothing, in any topology. */
@Injectable()
class Ear {
  readonly heard: object[] = [];

  @OnEvent('**')
  hear(event: object): void {
    this.heard.push(event);
  }
}

@Controller('cups')
class CupsController {
  constructor(
    private readonly config: ConfigService,
    private readonly queries: QueryBus,
    private readonly ear: Ear,
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
  ) {}

  @Get()
  async list(): Promise<object> {
    return {
      water: this.config.get<string>('water'),
      temperature: await this.queries.execute(new Temperature()),
      cached: (await this.cache.get('temperature')) ?? null,
      heard: this.ear.heard,
    };
  }
}

const CupsContract = defineContract({ name: 'cups', routes: ['/cups'] });

@BoundedModule({ contract: CupsContract, uses: [KettleContract], controllers: [CupsController], providers: [Ear] })
class CupsModule {}

export const house: Application = {
  name: 'tea-house',
  imports: () => [
    ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ water: 'soft' })] }),
    CacheModule.register({ ttl: 60_000 }),
    EventEmitterModule.forRoot({ wildcard: true }),
    ScheduleModule.forRoot(),
    TerminusModule,
    ThrottlerModule.forRoot([{ ttl: 60_000, limit: 2 }]),
    LoggerModule.forRoot({
      // its default matches no path of Fastify
      forRoutes: ['{*splat}'],
      pinoHttp: { customProps: () => ({ correlationId: currentCall()?.correlationId }) },
    }),
  ],
  nest: { beforeInit: (app) => app.useLogger(app.get(Logger)) },
  modules: [
    { contract: KettleContract, load: () => Promise.resolve(KettleModule) },
    { contract: CupsContract, load: () => Promise.resolve(CupsModule) },
  ],
};

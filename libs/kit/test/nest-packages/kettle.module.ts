import { BoundedModule, ReadinessCheck, Singleton } from '@fledge/kit';
import { defineContract, QueryContract } from '@fledge/kit/contract';
import { CACHE_MANAGER, CacheInterceptor } from '@nestjs/cache-manager';
import { Controller, Get, Inject, Injectable, Param, Put, Scope, UseGuards, UseInterceptors } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { REQUEST } from '@nestjs/core';
import { Query, QueryHandler } from '@nestjs/cqrs';
import { EventEmitter2, OnEvent } from '@nestjs/event-emitter';
import { Interval } from '@nestjs/schedule';
import {
  HealthCheck,
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { ThrottlerGuard } from '@nestjs/throttler';
import type { Cache } from 'cache-manager';
import { PinoLogger } from 'nestjs-pino';
import type { MigrationInterface, QueryRunner } from 'typeorm';

@QueryContract('kettle.temperature.v1', { result: Number })
export class Temperature extends Query<number> {}

export const KettleContract = defineContract({ name: 'kettle', queries: [Temperature], routes: ['/kettle'] });

@Injectable()
class Element {
  state: 'up' | 'degraded' | 'down' | 'stuck' = 'up';

  constructor(private readonly health: HealthIndicatorService) {}

  @ReadinessCheck('element', { timeoutMs: 200 })
  async isHealthy(): Promise<HealthIndicatorResult> {
    const indicator = this.health.check('element');
    if (this.state === 'stuck') return new Promise(() => undefined);
    if (this.state === 'up') return indicator.up();
    return this.state === 'degraded' ? indicator.degraded({ ohms: 0 }) : indicator.down({ ohms: 0 });
  }
}

@Injectable()
class Chores {
  ticks = 0;
  readonly boiled: string[] = [];
  /** When the kettle was descaled. */
  descaled = 0;

  /** In every replica. */
  @Interval(20)
  tick(): void {
    this.ticks++;
  }

  /** In one replica. */
  @Singleton('descale', { cron: '* * * * * *', timeZone: 'Europe/Berlin' })
  descale(): void {
    this.descaled++;
  }

  @OnEvent('kettle.boiled')
  note({ at }: { readonly at: string }): void {
    this.boiled.push(at);
  }
}

@QueryHandler(Temperature)
class TemperatureHandler {
  constructor(@Inject(CACHE_MANAGER) private readonly cache: Cache) {}

  async execute(): Promise<number> {
    const known = await this.cache.get<number>('temperature');
    if (known !== undefined) return known + 1;
    await this.cache.set('temperature', 90);
    return 90;
  }
}

/** One for each tenant, however many requests: see the strategy in the spec. */
@Injectable({ scope: Scope.REQUEST, durable: true })
class TenantPot {
  private static made = 0;
  readonly number = ++TenantPot.made;
  constructor(@Inject(REQUEST) readonly context: { readonly tenant?: string }) {}
}

@Controller('kettle')
class KettleController {
  private boils = 0;

  constructor(
    private readonly config: ConfigService,
    private readonly events: EventEmitter2,
    private readonly chores: Chores,
    private readonly health: HealthCheckService,
    private readonly element: Element,
    private readonly logger: PinoLogger,
  ) {}

  @Get('water')
  water(): object {
    this.logger.info('the water was looked at');
    return { water: this.config.get<string>('water') };
  }

  @Get('boil')
  @UseGuards(ThrottlerGuard)
  async boil(): Promise<object> {
    await this.events.emitAsync('kettle.boiled', { at: 'noon' });
    return { boiled: this.chores.boiled };
  }

  @Get('count')
  @UseInterceptors(CacheInterceptor)
  count(): object {
    return { boils: ++this.boils };
  }

  @Get('chores')
  done(): object {
    const { ticks, descaled } = this.chores;
    return { ticks, descaled };
  }

  @Put('element/:state')
  become(@Param('state') state: Element['state']): void {
    this.element.state = state;
  }

  @Get('health')
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.element.isHealthy()]);
  }
}

@Controller('kettle/pot')
class PotController {
  constructor(private readonly pot: TenantPot) {}

  @Get()
  get(): object {
    return { number: this.pot.number, tenant: this.pot.context.tenant };
  }
}

class Kettle1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table scale (grams integer not null)');
  }
  async down(): Promise<void> {}
}

@BoundedModule({
  contract: KettleContract,
  // a singleton stores when it ran
  migrations: [Kettle1700000000000],
  controllers: [KettleController, PotController],
  providers: [Element, Chores, TemperatureHandler, TenantPot],
})
export class KettleModule {}

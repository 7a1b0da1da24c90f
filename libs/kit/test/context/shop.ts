import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
} from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { type Application, BoundedModule, contextOf, setContext } from '@fledge/kit';
import { defineContract, QueryContract } from '@fledge/kit/contract';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyRequest } from 'fastify';

/** What crosses every boundary, besides who acts. */
export class ShopContext {
  @IsOptional() @IsString() @MaxLength(64) readonly tenant?: string;
  @IsOptional() @IsIn(['de', 'en']) readonly locale?: 'de' | 'en';
  @IsOptional() @IsString({ each: true }) readonly flags?: string[];
}

@Injectable()
export class TenantGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    const { 'x-tenant': tenant, 'x-locale': locale } = headers as Partial<Record<string, string>>;
    setContext(ShopContext, { tenant, locale: locale as ShopContext['locale'] });
    return true;
  }
}

@QueryContract('prices.greet.v1', { result: String })
export class Greet extends Query<string> {}

export const PricesContract = defineContract({ name: 'prices', queries: [Greet] });
const DeskContract = defineContract({ name: 'desk', routes: ['/desk'] });

@QueryHandler(Greet)
class GreetHandler implements IQueryHandler<Greet> {
  async execute(): Promise<string> {
    const { tenant, locale = 'en' } = contextOf(ShopContext);
    return `${locale === 'de' ? 'Guten Tag' : 'Hello'}, ${tenant ?? 'stranger'}`;
  }
}

@Controller('desk')
class DeskController {
  constructor(private readonly queries: QueryBus) {}

  @Get() async greet(): Promise<{ greeting: string }> {
    return { greeting: await this.queries.execute(new Greet()) };
  }
}

@BoundedModule({ contract: PricesContract, providers: [GreetHandler] })
export class PricesModule {}

@BoundedModule({ contract: DeskContract, uses: [PricesContract], controllers: [DeskController] })
class DeskModule {}

export const application: Application = {
  name: 'shop',
  context: ShopContext,
  nest: { beforeInit: (app: INestApplication) => void app.useGlobalGuards(new TenantGuard()) },
  modules: [
    { contract: PricesContract, load: () => Promise.resolve(PricesModule) },
    { contract: DeskContract, load: () => Promise.resolve(DeskModule) },
  ],
};

import { type Application, BoundedModule, Consumer } from '@fledge/kit';
import { defineContract, EventContract, type Fields, QueryContract } from '@fledge/kit/contract';
import {
  Body,
  type CanActivate,
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  type OnModuleDestroy,
  Post,
  UseGuards,
} from '@nestjs/common';
import {
  EventBus,
  EventsHandler,
  type IEventHandler,
  type IQueryHandler,
  Query,
  QueryBus,
  QueryHandler,
} from '@nestjs/cqrs';
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import { IsInt, IsString } from 'class-validator';
import {
  Column,
  DataSource,
  Entity,
  type MigrationInterface,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  type QueryRunner,
  Repository,
} from 'typeorm';

/** Three modules: one with tables and routes, one with tables alone, one with routes alone. */

class Price {
  @IsInt() cents!: number;
}

@QueryContract('bar.price.v1', { result: Price })
class GetPrice extends Query<Price> {
  @IsString() drink!: string;
  constructor(fields: Fields<GetPrice>) {
    super();
    Object.assign(this, fields);
  }
}

@EventContract('till.sold.v1', { key: 'drink' })
class Sold {
  @IsString() drink!: string;
  constructor(fields: Fields<Sold>) {
    Object.assign(this, fields);
  }
}

export const MenuContract = defineContract({ name: 'menu', routes: ['/menu'] });
export const BarContract = defineContract({ name: 'bar', queries: [GetPrice] });
export const TillContract = defineContract({ name: 'till', events: [Sold], routes: ['/sales'] });

@Injectable()
export class Clock {
  hour(): number {
    return new Date().getHours();
  }
}

/** Nobody has a badge before a test gives one. */
@Injectable()
export class BadgeGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

/** Everybody may look at the menu. */
@Injectable()
export class DoorGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** Containers of modules that were made, and those among them that have not ended. */
export const containers = { open: 0, ever: 0 };

class Counted implements OnModuleDestroy {
  constructor() {
    containers.open += 1;
    containers.ever += 1;
  }

  onModuleDestroy(): void {
    containers.open -= 1;
  }
}

@Module({ providers: [{ provide: 'PRINTER', useValue: 'paper' }], exports: ['PRINTER'] })
export class PaperModule {}

@Module({ providers: [{ provide: 'PRINTER', useValue: 'screen' }], exports: ['PRINTER'] })
export class ScreenModule {}

@Entity('sale')
export class Sale {
  @PrimaryGeneratedColumn() id!: number;
  @Column('text') drink!: string;
  @Column('integer') cents!: number;
}

class CreateSales1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table sale (id serial primary key, drink text not null, cents integer not null)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table sale');
  }
}

class NewSale {
  @IsString() drink!: string;
}

/** What was sold, and how. */
export interface SaleView extends Sale {
  readonly hour: number;
  readonly printer: string;
}

@Controller('sales')
@UseGuards(BadgeGuard)
class SalesController {
  constructor(
    @InjectRepository(Sale) private readonly sales: Repository<Sale>,
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly queries: QueryBus,
    private readonly events: EventBus,
    private readonly clock: Clock,
    @Inject('PRINTER') private readonly printer: string,
  ) {}

  @Post()
  async sell(@Body() { drink }: NewSale): Promise<SaleView> {
    const { cents } = await this.queries.execute(new GetPrice({ drink }));
    const sale = await this.dataSource.transaction(async () => {
      this.events.publish(new Sold({ drink }));
      return this.sales.save({ drink, cents });
    });
    return { ...sale, hour: this.clock.hour(), printer: this.printer };
  }
}

@BoundedModule({
  contract: TillContract,
  uses: [BarContract],
  entities: [Sale],
  migrations: [CreateSales1700000000000],
  imports: [PaperModule],
  controllers: [SalesController],
  providers: [Clock],
})
export class TillModule extends Counted {}

@Entity('glass')
export class Glass {
  @PrimaryColumn('text') drink!: string;
  @Column('integer') poured!: number;
}

class CreateGlasses1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table glass (drink text primary key, poured integer not null)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table glass');
  }
}

@QueryHandler(GetPrice)
class GetPriceHandler implements IQueryHandler<GetPrice> {
  execute({ drink }: GetPrice): Promise<Price> {
    return Promise.resolve({ cents: drink.length * 100 });
  }
}

/** What the bar pours from. */
@Injectable()
export class Tap {
  /** A test may hold it up. */
  isClear: Promise<void> = Promise.resolve();

  pour(): Promise<void> {
    return this.isClear;
  }
}

@Consumer('pour', { attemptsMax: 1 })
@EventsHandler(Sold)
class PourHandler implements IEventHandler<Sold> {
  constructor(
    @InjectRepository(Glass) private readonly glasses: Repository<Glass>,
    private readonly tap: Tap,
  ) {}

  async handle({ drink }: Sold): Promise<void> {
    await this.tap.pour();
    if (drink === 'cork') throw new Error('the bottle is empty');
    const glass = await this.glasses.findOneBy({ drink });
    await this.glasses.save({ drink, poured: (glass?.poured ?? 0) + 1 });
  }
}

@BoundedModule({
  contract: BarContract,
  uses: [TillContract],
  entities: [Glass],
  migrations: [CreateGlasses1700000000000],
  providers: [GetPriceHandler, PourHandler, Tap],
})
export class BarModule {}

@Controller('menu')
@UseGuards(DoorGuard)
class MenuController {
  @Get() list(): string[] {
    return ['tea', 'coffee'];
  }
}

@BoundedModule({ contract: MenuContract, controllers: [MenuController], providers: [Clock] })
export class MenuModule extends Counted {}

@Controller('menu')
class ShortMenuController {
  @Get() list(): string[] {
    return ['water'];
  }
}

/** In the place of the menu. */
@BoundedModule({ contract: MenuContract, controllers: [ShortMenuController] })
export class ShortMenuModule {}

export const cafe: Application = {
  name: 'cafe',
  access: 'open',
  modules: [
    { contract: MenuContract, load: () => Promise.resolve(MenuModule) },
    { contract: BarContract, load: () => Promise.resolve(BarModule) },
    { contract: TillContract, load: () => Promise.resolve(TillModule) },
  ],
};

/** What needs no table: it starts at once. */
export const stand: Application = {
  name: 'stand',
  access: 'open',
  modules: cafe.modules.filter(({ contract }) => contract === MenuContract),
};

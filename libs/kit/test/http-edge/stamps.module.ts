import {
  Authentication,
  BoundedModule,
  EntityTag,
  Idempotent,
  identify,
  IfMatch,
  InvalidRequest,
  type Precondition,
  Public,
  RateLimit,
} from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  HttpCode,
  Injectable,
  Patch,
  Post,
} from '@nestjs/common';
import { IsInt, IsOptional } from 'class-validator';
import type { IncomingMessage } from 'node:http';
import { Column, DataSource, Entity, type MigrationInterface, PrimaryColumn, type QueryRunner } from 'typeorm';

@Entity('stamps')
class StampRow {
  @PrimaryColumn('int') id!: number;
  @Column('int') value!: number;
  @Column('int') version!: number;
}

class CreateStamps1700000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table stamps (id int primary key, value int not null, version int not null)');
    await runner.query('insert into stamps values (0, 0, 1)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table stamps');
  }
}

class Stamp {
  @IsInt() value!: number;
  @IsOptional() @IsInt() failure?: number;
}

/** Runs in each handler that stores a stamp, before it ends. */
export const during = { handle: (): Promise<void> => Promise.resolve() };

@Injectable()
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const user = context.switchToHttp().getRequest<IncomingMessage>().headers['x-user'];
    if (user !== undefined) identify({ subject: String(user), roles: [] });
    return true;
  }
}

@Public()
@Controller('stamps')
class StampsController {
  constructor(private readonly source: DataSource) {}

  @Get('count')
  async count(): Promise<object> {
    return { count: await this.source.manager.countBy(StampRow, {}) };
  }

  @Post()
  @Idempotent()
  async store(@Body() { value, failure }: Stamp): Promise<object> {
    const id = await this.add(value);
    await during.handle();
    if (failure !== undefined)
      throw new InvalidRequest([{ path: 'failure', rule: 'failure', message: 'was asked for' }]);
    return { id };
  }

  @Post('within')
  @HttpCode(202)
  @Idempotent({ transaction: true, required: true })
  async storeWithin(@Body() { value, failure }: Stamp): Promise<object> {
    const id = await this.add(value);
    await during.handle();
    if (failure !== undefined) throw new Error('was asked for');
    return { id };
  }

  @Get('first')
  @EntityTag<StampRow>(({ version }) => version)
  first(): Promise<StampRow> {
    return this.source.manager.findOneByOrFail(StampRow, { id: 0 });
  }

  @Patch('first')
  @EntityTag<StampRow>(({ version }) => version)
  change(@Body() { value }: Stamp, @IfMatch() required: Precondition): Promise<StampRow> {
    return this.source.transaction(async (manager) => {
      const stamp = await manager.findOneOrFail(StampRow, { where: { id: 0 }, lock: { mode: 'pessimistic_write' } });
      required.check(stamp.version);
      return manager.save(StampRow, { ...stamp, value, version: stamp.version + 1 });
    });
  }

  private async add(value: number): Promise<number> {
    const [row] = await this.source.query<{ id: number }[]>(
      'insert into stamps (id, value, version) select max(id) + 1, $1, 1 from stamps returning id',
      [value],
    );
    return (row as { id: number }).id;
  }
}

// for routes without a limit of their own; Nest runs the guard for both
@Public()
@RateLimit({ max: 1_000, windowMs: 1_000 })
@Controller('stamps/limited')
class LimitedController {
  @Get('user')
  @RateLimit({ max: 3, windowMs: 60_000 })
  ofUser(): object {
    return {};
  }

  @Get('address')
  @RateLimit({ max: 3, windowMs: 60_000, by: 'address' }, { max: 1_000, windowMs: 1_000, by: 'route' })
  ofAddress(): object {
    return {};
  }

  @Get('short')
  @RateLimit({ max: 1, windowMs: 1_000, by: 'route' })
  short(): object {
    return {};
  }
}

export const StampsContract = defineContract({ name: 'stamps', routes: ['/stamps'] });

@BoundedModule({
  contract: StampsContract,
  imports: [Authentication.by(HeaderGuard)],
  entities: [StampRow],
  migrations: [CreateStamps1700000001000],
  controllers: [StampsController, LimitedController],
})
export class StampsModule {}

@Controller('loose')
class LooseController {
  @Post()
  @Idempotent()
  store(): object {
    return {};
  }
}

/** Has nowhere to store keys. */
@BoundedModule({ contract: defineContract({ name: 'loose', routes: ['/loose'] }), controllers: [LooseController] })
export class LooseModule {}

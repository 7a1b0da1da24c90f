import { BoundedModule, currentCall, type NestHooks } from '@fledge/kit';
import {
  CommandContract,
  ContractError,
  defineContract,
  ErrorContract,
  EventContract,
  type Fields,
  QueryContract,
} from '@fledge/kit/contract';
import { FledgeContext, FledgeStrategy } from '@fledge/kit/microservices';
import {
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  ParseIntPipe,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { IsDate, IsInt, IsString, Min } from 'class-validator';
import { map, type Observable, of, throwError } from 'rxjs';

export class Jar {
  /** Nest's own client mistakes a field of this name in a result for the id of its packet. */
  @IsString() id!: string;
  @IsInt() grams!: number;
  @IsDate() filled!: Date;
}

@ErrorContract('pantry.out-of-jars.v1', { kind: 'conflict', hint: 'fill some' })
export class OutOfJars extends ContractError {
  @IsInt() left!: number;
  constructor(fields: Fields<OutOfJars>) {
    super(`only ${fields.left} jars are left`);
    Object.assign(this, fields);
  }
}

@QueryContract('pantry.find-jar.v1', { result: Jar, errors: [OutOfJars] })
export class FindJar extends Query<Jar> {
  @IsString() id!: string;
}

@CommandContract('pantry.sweep.v1')
export class Sweep extends Command<void> {
  @IsInt() @Min(1) rooms!: number;
}

@CommandContract('pantry.wait.v1', { deadlineMs: 5_000 })
export class Wait extends Command<void> {
  @IsInt() ms!: number;
}

/** In no contract: a module with events needs a database. */
@EventContract('pantry.jar-found.v1', { key: 'id' })
export class JarFound {
  @IsString() id!: string;
}

export const PantryContract = defineContract({
  name: 'pantry',
  queries: [FindJar],
  commands: [Sweep, Wait],
});

export const FILLED = new Date('2026-05-04T03:02:01.000Z');

/** What the handlers saw, in order. */
export const seen: string[] = [];

@QueryHandler(FindJar)
class FindJarHandler {
  execute({ id }: FindJar): Jar {
    if (id === 'none') throw new OutOfJars({ left: 0 });
    if (id === 'broken') throw new Error('the shelf fell: secret');
    return Object.assign(new Jar(), { id, grams: 500, filled: FILLED });
  }
}

@CommandHandler(Sweep)
class SweepHandler {
  execute({ rooms }: Sweep): void {
    seen.push(`sweep ${rooms} by ${currentCall()?.caller}`);
  }
}

@CommandHandler(Wait)
class WaitHandler {
  async execute({ ms }: Wait): Promise<void> {
    const call = currentCall();
    seen.push('wait began');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      call?.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        seen.push('wait aborted');
        resolve();
      });
    });
  }
}

@Injectable()
class Closed implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToRpc().getData<{ secret?: string }>().secret === 'open sesame';
  }
}

@Injectable()
class Twice implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: number) => value * 2));
  }
}

@Catch(BadRequestException)
class Explain implements ExceptionFilter {
  catch(error: BadRequestException): Observable<never> {
    return throwError(() => ({ status: 'error', message: error.message, code: 'E_EXPLAINED' }));
  }
}

@Controller()
export class PantryController {
  @MessagePattern('jars.sum')
  sum(@Payload() grams: number[]): number {
    return grams.reduce((a, b) => a + b, 0);
  }

  @MessagePattern({ cmd: 'twice' })
  @UseInterceptors(Twice)
  twice(@Payload('n', ParseIntPipe) n: number): number {
    return n;
  }

  @MessagePattern('pipe')
  @UseFilters(Explain)
  pipe(@Payload('n', ParseIntPipe) n: number): number {
    return n;
  }

  @MessagePattern('guarded')
  @UseGuards(Closed)
  guarded(): string {
    return 'come in';
  }

  @MessagePattern('context')
  context(@Ctx() context: FledgeContext): object {
    const call = currentCall();
    return {
      subject: context.getSubject(),
      header: context.getHeaders().get('x-lang'),
      metadata: context.getMetadata(),
      caller: call?.caller,
      trace: call?.traceparent.slice(3, 35),
      hasDeadline: Number.isFinite(call?.timeLeftMs),
    };
  }

  @MessagePattern('date')
  date(): object {
    return { at: FILLED, jar: Object.assign(new Jar(), { id: 'j' }), none: undefined };
  }

  @MessagePattern('nothing')
  nothing(): void {}

  @MessagePattern('refused')
  refused(): never {
    throw new RpcException({ code: 'E_REFUSED', why: 'no jars' });
  }

  @MessagePattern('text')
  text(): never {
    throw new RpcException('just text');
  }

  @MessagePattern('broken')
  broken(): never {
    throw new Error('the shelf fell: secret');
  }

  @MessagePattern('uncarried')
  uncarried(): object {
    return { grams: 1n };
  }

  @MessagePattern('stream')
  stream(): Observable<number> {
    return of(1, 2);
  }

  @MessagePattern('lazy')
  lazy(): Observable<string> {
    return of('x').pipe(map((text) => `${text} ${currentCall()?.caller}`));
  }

  @EventPattern('jar.dropped')
  dropped(@Payload() { id }: { id: string }): void {
    seen.push(`dropped ${id}`);
  }

  @EventPattern('jar.dropped')
  alsoDropped(@Payload() { id }: { id: string }): void {
    seen.push(`also dropped ${id}`);
  }
}

@BoundedModule({
  contract: PantryContract,
  controllers: [PantryController],
  providers: [FindJarHandler, SweepHandler, WaitHandler],
})
export class PantryModule {}

export const ANSWERING: NestHooks = {
  beforeInit: (app) => void app.connectMicroservice({ strategy: new FledgeStrategy() }),
};

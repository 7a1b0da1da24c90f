import { Readable } from 'node:stream';
import {
  Authentication,
  BoundedModule,
  CurrentUser,
  currentCall,
  identify,
  type Identity,
  Public,
  Roles,
  Unauthenticated,
} from '@fledge/kit';
import { defineContract, type Fields, QueryContract } from '@fledge/kit/contract';
import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  type MessageEvent,
  NotFoundException,
  Param,
  ParseIntPipe,
  Patch,
  Post,
  Req,
  Sse,
  StreamableFile,
} from '@nestjs/common';
import { Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { IsInt } from 'class-validator';
import type { IncomingMessage } from 'node:http';
import { concatMap, finalize, interval, type Observable } from 'rxjs';

@QueryContract('leaves.wait.v1', { result: String, deadlineMs: 5_000 })
export class Wait extends Query<string> {
  @IsInt() ms!: number;
  constructor(fields: Fields<Wait>) {
    super();
    Object.assign(this, fields);
  }
}

export const LeavesContract = defineContract({ name: 'leaves', queries: [Wait] });

@QueryHandler(Wait)
class WaitHandler {
  async execute({ ms }: Wait): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return currentCall()?.identity?.subject ?? 'nobody';
  }
}

@BoundedModule({ contract: LeavesContract, providers: [WaitHandler] })
export class LeavesModule {}

@Injectable()
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const user = context.switchToHttp().getRequest<IncomingMessage>().headers['x-user'];
    if (user === 'x') throw new Unauthenticated('x is nobody');
    if (user !== undefined) identify({ subject: String(user), roles: ['guest'] });
    return true;
  }
}

/** What the sources of streams did, for the tests to look at. */
export const seen = { cancelled: 0, streamsEnded: 0, bytesRead: 0, filesClosed: 0 };

class Order {
  @IsInt() grams!: number;
}

@Public()
@Controller('steep')
class SteepController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  get(): object {
    return { steep: true };
  }

  @Get('client')
  client(@Req() request: { readonly ip: string }): object {
    return { ip: request.ip };
  }

  @Post()
  order(@Body() { grams }: Order): object {
    return { grams };
  }

  @Post('free')
  free(@Body() body: unknown): object {
    return { body };
  }

  @Patch('cups/:id')
  cup(@Param('id', ParseIntPipe) id: number): object {
    return { id };
  }

  @Get('cookie')
  cookie(@Req() { cookies }: { readonly cookies?: Readonly<Record<string, string>> }): object {
    return { tea: cookies?.tea };
  }

  @Get('gone')
  gone(): never {
    throw new NotFoundException('no such tea');
  }

  @Get('broken')
  broken(): never {
    throw new Error('secret');
  }

  @Get('slow/:ms')
  async slow(@Param('ms', ParseIntPipe) ms: number): Promise<object> {
    return { by: await this.queries.execute(new Wait({ ms })) };
  }

  @Get('hang')
  async hang(): Promise<object> {
    const signal = currentCall()?.signal;
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    seen.cancelled++;
    return {};
  }

  /** Calls another module for each event, also long after the time for a request. */
  @Sse('events')
  events(): Observable<MessageEvent> {
    return interval(20).pipe(
      concatMap(async (n) => ({ data: { n, by: await this.queries.execute(new Wait({ ms: 1 })) } })),
      finalize(() => seen.streamsEnded++),
    );
  }

  /** Has no end: what is read of it shows whether anything between buffers it. */
  @Get('file')
  file(): StreamableFile {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const leaves = new Readable({
      read() {
        seen.bytesRead += chunk.length;
        this.push(chunk);
      },
      destroy(error, done) {
        seen.filesClosed++;
        done(error);
      },
    });
    return new StreamableFile(leaves, { type: 'text/plain', disposition: 'attachment; filename="leaves.txt"' });
  }
}

@Controller('steep/private')
class PrivateController {
  @Get()
  me(@CurrentUser() { subject }: Identity): object {
    return { subject };
  }

  @Roles('host')
  @Get('cellar')
  cellar(): object {
    return {};
  }
}

export const SteepContract = defineContract({ name: 'steep', routes: ['/steep'] });

@BoundedModule({
  contract: SteepContract,
  uses: [LeavesContract],
  imports: [Authentication.by(HeaderGuard)],
  controllers: [SteepController, PrivateController],
})
export class SteepModule {}

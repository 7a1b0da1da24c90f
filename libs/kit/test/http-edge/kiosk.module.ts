import { BoundedModule, currentCall, Public } from '@fledge/kit';
import { defineContract, type Fields, QueryContract } from '@fledge/kit/contract';
import { Body, Controller, Get, Post, Req } from '@nestjs/common';
import { Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { IsArray, IsString, IsUUID } from 'class-validator';
import type { IncomingMessage } from 'node:http';

@QueryContract('papers.find.v1', { result: String })
export class FindPapers extends Query<string> {
  @IsArray() @IsUUID('4', { each: true }) paperIds!: string[];
  constructor(fields: Fields<FindPapers>) {
    super();
    Object.assign(this, fields);
  }
}

export const PapersContract = defineContract({ name: 'papers', queries: [FindPapers] });

@QueryHandler(FindPapers)
class FindPapersHandler {
  execute({ paperIds }: FindPapers): Promise<string> {
    return Promise.resolve(paperIds.join());
  }
}

@BoundedModule({ contract: PapersContract, providers: [FindPapersHandler] })
export class PapersModule {}

class Choice {
  @IsArray() @IsString({ each: true }) paperIds!: string[];
}

/** What the handlers have seen. */
export const seen = { aborted: 0 };

@Public()
@Controller('kiosk')
class KioskController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  read(): object {
    return { read: true };
  }

  @Post()
  async choose(@Body() { paperIds }: Choice): Promise<object> {
    return { papers: await this.queries.execute(new FindPapers({ paperIds })) };
  }

  /** Passes on what it was given, as a careless module would. */
  @Post('loose')
  async loose(@Body() body: unknown): Promise<object> {
    return { papers: await this.queries.execute(Object.assign(new FindPapers({ paperIds: [] }), body)) };
  }

  @Post('headers')
  headers(@Req() { headers }: IncomingMessage): object {
    const { authorization, 'idempotency-key': key, 'content-type': type, 'x-own': own } = headers;
    return { authorization, key, type, own };
  }

  /** Calls nobody, so that no deadline of a call ends it. */
  @Get('idle')
  async idle(): Promise<object> {
    const signal = currentCall()?.signal;
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    seen.aborted++;
    return { late: true };
  }
}

export const KioskContract = defineContract({ name: 'kiosk', routes: ['/kiosk'] });

@BoundedModule({ contract: KioskContract, uses: [PapersContract], controllers: [KioskController] })
export class KioskModule {}

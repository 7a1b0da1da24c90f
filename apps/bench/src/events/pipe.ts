import { subscribe } from 'node:diagnostics_channel';
import { type Application, BoundedModule, Consumer } from '@fledge/kit';
import { defineContract, EventContract, type Fields } from '@fledge/kit/contract';
import { Injectable, type Type } from '@nestjs/common';
import { EventBus, EventsHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { IsInt, IsNumber, IsOptional, IsString } from 'class-validator';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { Production, type ProduceOptions } from './produce.js';
import { Taken } from './taken.js';

/** An event, with the time at which it was published, to measure the delay until its handler's commit. */
@EventContract('source.happened.v1', { key: 'topic' })
export class Happened {
  @IsString() readonly topic!: string;
  /** Rises by one with each event of its topic. */
  @IsInt() readonly number!: number;
  /** Milliseconds since 1970. */
  @IsNumber() readonly at!: number;
  @IsOptional() @IsString() readonly filling?: string;
  constructor(fields: Fields<Happened>) {
    Object.assign(this, fields);
  }
}

/** An event that is never published, for consumers that only wait. */
@EventContract('source.never-happened.v1', { key: 'topic' })
class NeverHappened {
  @IsString() readonly topic!: string;
}

const SourceContract = defineContract({ name: 'source', events: [Happened, NeverHappened] });
const SinkContract = defineContract({ name: 'sink' });

class CreateTaken1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create table taken (id bigint generated always as identity primary key, topic text not null, number int not null)',
    );
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table taken');
  }
}

/** Publishes events in transactions, evenly over the keys. */
@Injectable()
export class Producer {
  private readonly production = new Production();

  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventBus,
  ) {}

  produce(options: ProduceOptions): Promise<void> {
    return this.production.run(options, (some) =>
      this.source.transaction(async () => {
        for (const one of some) this.events.publish(new Happened(one));
      }),
    );
  }
}

export const taken = new Taken();
/** Whether the handler stores each event with its own statement. */
export const handling = { inserts: false };
subscribe('fledge.messaging.after-handled', (point) => {
  if ((point as { module: string }).module === 'sink') taken.commit();
});

/** How large an application is. */
export interface PipeSize {
  /** Consumers of the one event, all in the module `sink`; default 1. */
  readonly consumers?: number;
  /**
   * Modules besides `source` and `sink`, each with a consumer of an event that never happens: `other-1` and so on;
   * default 0.
   */
  readonly others?: number;
}

/** A module that publishes and one that consumes, and as many others as requested. */
export function pipe({ consumers = 1, others = 0 }: PipeSize = {}): Application {
  return {
    name: 'pipe',
    modules: [
      { contract: SourceContract, load: () => Promise.resolve(SourceModule) },
      { contract: SinkContract, load: () => Promise.resolve(sinkOf(consumers)) },
      ...Array.from({ length: others }, (_, i) => otherOf(i + 1)),
    ],
  };
}

@BoundedModule({ contract: SourceContract, providers: [Producer] })
class SourceModule {}

function sinkOf(consumers: number): Type {
  @BoundedModule({
    contract: SinkContract,
    uses: [SourceContract],
    migrations: [CreateTaken1764000000000],
    providers: Array.from({ length: consumers }, (_, i) => takingOf(i)),
  })
  class SinkModule {}
  return SinkModule;
}

/** Handles each event, in the transaction that marks it as handled. */
function takingOf(number: number): Type {
  const name = number === 0 ? 'taking' : `taking-${number}`;

  @Consumer(name)
  @EventsHandler(Happened)
  class Taking {
    constructor(@InjectDataSource() private readonly source: DataSource) {}

    async handle(event: Happened): Promise<void> {
      if (handling.inserts)
        await this.source.query('insert into taken (topic, number) values ($1, $2)', [event.topic, event.number]);
      taken.add(event, number);
    }
  }
  return Taking;
}

function otherOf(number: number): Application['modules'][number] {
  const contract = defineContract({ name: `other-${number}` });

  @Consumer('waiting')
  @EventsHandler(NeverHappened)
  class Waiting {
    async handle(): Promise<void> {
      return Promise.reject(new Error('what never happens has happened'));
    }
  }

  @BoundedModule({ contract, uses: [SourceContract], migrations: [CreateTaken1764000000000], providers: [Waiting] })
  class OtherModule {}
  return { contract, load: () => Promise.resolve(OtherModule) };
}

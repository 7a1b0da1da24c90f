import { subscribe } from 'node:diagnostics_channel';
import { type Application, BoundedModule, Consumer } from '@fledge/kit';
import { defineContract, EventContract, type Fields } from '@fledge/kit/contract';
import { Injectable } from '@nestjs/common';
import { EventBus, EventsHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { IsInt, IsNumber, IsString } from 'class-validator';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';

/** Something happened; with when, to see how late its handler's commit is. */
@EventContract('source.happened.v1', { key: 'topic' })
export class Happened {
  @IsString() readonly topic!: string;
  /** Rises by one with each event of its topic. */
  @IsInt() readonly number!: number;
  /** Milliseconds since 1970. */
  @IsNumber() readonly at!: number;
  constructor(fields: Fields<Happened>) {
    Object.assign(this, fields);
  }
}

const SourceContract = defineContract({ name: 'source', events: [Happened] });
const SinkContract = defineContract({ name: 'sink' });

class CreateSink1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table taken (id bigint generated always as identity primary key, topic text not null, number int not null)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table taken');
  }
}

/** How many events to publish, and how. */
export interface ProduceOptions {
  readonly events: number;
  readonly keys: number;
  /** Events of one transaction. */
  readonly perTransaction: number;
  /** Events a second; left out, as fast as it goes. */
  readonly perSecond?: number;
}

/** Publishes events in transactions, evenly over the keys. */
@Injectable()
export class Producer {
  private readonly numbers = new Map<string, number>();

  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventBus,
  ) {}

  async produce({ events, keys, perTransaction, perSecond }: ProduceOptions): Promise<void> {
    const start = performance.now();
    for (let done = 0; done < events; done += perTransaction) {
      await this.source.transaction(() => {
        for (let i = done; i < Math.min(done + perTransaction, events); i++) this.publish(`topic-${i % keys}`);
        return Promise.resolve();
      });
      if (perSecond === undefined) continue;
      const early = start + ((done + perTransaction) / perSecond) * 1_000 - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    }
  }

  private publish(topic: string): void {
    const number = (this.numbers.get(topic) ?? 0) + 1;
    this.numbers.set(topic, number);
    this.events.publish(new Happened({ topic, number, at: Date.now() }));
  }
}

/** What has become of the events of a process's sink. */
export class Taken {
  /** How late they were: from before their publisher's commit to after their handler's. */
  readonly lags: number[] = [];
  /** Those whose handler's transaction is committed. */
  committed = 0;
  /** Those that came twice or out of the order of their key, where each number is one more than the one before. */
  wrong = 0;
  /** Whether the handler writes each down with a statement of its own. */
  inserts = false;
  private readonly last = new Map<string, number>();
  private readonly uncommitted: number[] = [];

  constructor() {
    subscribe('fledge.messaging.after-handled', (point) => {
      if ((point as { module: string }).module === 'sink') this.commit();
    });
  }

  add({ topic, number, at }: Happened): void {
    if (number !== (this.last.get(topic) ?? 0) + 1) this.wrong += 1;
    this.last.set(topic, number);
    this.uncommitted.push(at);
  }

  /** Of batches that are handled side by side the first to commit counts for all: up to one batch's time too early, some 25 ms. */
  private commit(): void {
    const now = Date.now();
    this.committed += this.uncommitted.length;
    for (const at of this.uncommitted.splice(0)) this.lags.push(now - at);
  }
}

export const taken = new Taken();

/** Takes each event, in the transaction that marks it as handled. */
@Consumer('taking')
@EventsHandler(Happened)
class Taking {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  async handle(event: Happened): Promise<void> {
    if (taken.inserts) await this.source.query('insert into taken (topic, number) values ($1, $2)', [event.topic, event.number]);
    taken.add(event);
  }
}

@BoundedModule({ contract: SourceContract, providers: [Producer] })
class SourceModule {}

@BoundedModule({ contract: SinkContract, uses: [SourceContract], migrations: [CreateSink1764000000000], providers: [Taking] })
class SinkModule {}

/** A module that publishes and one that takes. */
export const pipe: Application = {
  name: 'pipe',
  modules: [
    { contract: SourceContract, load: () => Promise.resolve(SourceModule) },
    { contract: SinkContract, load: () => Promise.resolve(SinkModule) },
  ],
};

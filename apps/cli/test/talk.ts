import { type Application, BoundedModule, Consumer } from '@fledge/kit';
import { CommandContract, defineContract, EventContract, type Fields } from '@fledge/kit/contract';
import { Command, CommandHandler, EventBus, EventsHandler, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { IsInt, IsString } from 'class-validator';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';

@EventContract('talker.said.v1', { key: 'topic' })
export class Said {
  @IsString() readonly topic!: string;
  @IsInt() readonly number!: number;
  constructor(fields: Fields<Said>) {
    Object.assign(this, fields);
  }
}

@CommandContract('talker.say.v1')
export class Say extends Command<void> {
  @IsString() readonly topic!: string;
  @IsInt() readonly from!: number;
  @IsInt() readonly count!: number;
  constructor(fields: Fields<Say>) {
    super();
    Object.assign(this, fields);
  }
}

@CommandHandler(Say)
export class SayHandler implements ICommandHandler<Say> {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventBus,
  ) {}

  async execute({ topic, from, count }: Say): Promise<void> {
    await this.source.transaction(async () => {
      for (let number = from; number < from + count; number++) this.events.publish(new Said({ topic, number }));
    });
  }
}

/** What a test makes of the listeners, and sees of them; shared by all in its process. */
export const EARS = {
  /** Tries, in order: `listener:topic:number`. */
  tries: [] as string[],
  /** Tries that fail. */
  fails: (_attempt: Attempt): Error | undefined => undefined,
};

/** A listener's try of an event. */
export interface Attempt {
  readonly listener: string;
  readonly topic: string;
  readonly number: number;
}

async function hear(source: DataSource, attempt: Attempt): Promise<void> {
  const { listener, topic, number } = attempt;
  EARS.tries.push(`${listener}:${topic}:${number}`);
  await source.query('insert into heard (listener, topic, number) values ($1, $2, $3)', [listener, topic, number]);
  const failure = EARS.fails(attempt);
  if (failure) throw failure;
}

@Consumer('first', { attemptsMax: 3, backoffMs: 5 })
@EventsHandler(Said)
export class FirstListener {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  handle({ topic, number }: Said): Promise<void> {
    return hear(this.source, { listener: 'first', topic, number });
  }
}

@Consumer('second', { attemptsMax: 3, backoffMs: 5, onDead: 'skip' })
@EventsHandler(Said)
export class SecondListener {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  handle({ topic, number }: Said): Promise<void> {
    return hear(this.source, { listener: 'second', topic, number });
  }
}

class CreateHeard1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create table heard (id bigint generated always as identity, listener text not null, topic text not null, number int not null)',
    );
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table heard');
  }
}

export const TalkerContract = defineContract({ name: 'talker', commands: [Say], events: [Said] });
export const ListenerContract = defineContract({ name: 'listener' });

@BoundedModule({ contract: TalkerContract, providers: [SayHandler] })
export class TalkerModule {}

@BoundedModule({
  contract: ListenerContract,
  uses: [TalkerContract],
  migrations: [CreateHeard1763800000000],
  providers: [FirstListener, SecondListener],
})
export class ListenerModule {}

export const talk: Application = {
  name: 'talk',
  modules: [
    { contract: TalkerContract, load: () => Promise.resolve(TalkerModule) },
    { contract: ListenerContract, load: () => Promise.resolve(ListenerModule) },
  ],
};

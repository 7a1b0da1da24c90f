import { type Application, BoundedModule, Consumer, Process, type Run, Starts } from '@fledge/kit';
import { CommandContract, defineContract, EventContract, type Fields } from '@fledge/kit/contract';
import { Inject, Injectable } from '@nestjs/common';
import { Command, CommandHandler, EventBus, EventsHandler, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { IsInt, IsOptional, IsString, Length } from 'class-validator';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';

/** The context of the application. */
export class ChatContext {
  @IsOptional() @IsString() readonly tenant?: string;
}

@EventContract('talker.said.v1', { key: 'topic' })
export class Said {
  @IsString() @Length(1, 100) readonly topic!: string;
  @IsInt() readonly number!: number;
  constructor(fields: Fields<Said>) {
    Object.assign(this, fields);
  }
}

@CommandContract('talker.say.v1')
export class Say extends Command<void> {
  @IsString() @Length(1, 100) readonly topic!: string;
  @IsInt() readonly from!: number;
  @IsInt() readonly count!: number;
  constructor(fields: Fields<Say>) {
    super();
    Object.assign(this, fields);
  }
}

/** What the talker takes from nobody else, whoever sends it. */
@CommandContract('talker.whisper.v1', { access: { identity: 'optional', callers: ['talker'] } })
export class Whisper extends Command<void> {}

export const TalkerContract = defineContract({ name: 'talker', commands: [Say, Whisper], events: [Said] });
export const ListenerContract = defineContract({ name: 'listener' });

class CreateTalker1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table said (topic text not null, number int not null)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table said');
  }
}

/** How a test makes the talker fail; shared by all in its process. */
export const MOUTH: { fails: (say: Say) => Error | undefined } = { fails: () => undefined };

@CommandHandler(Say)
class SayHandler implements ICommandHandler<Say> {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventBus,
  ) {}

  async execute(say: Say): Promise<void> {
    const { topic, from, count } = say;
    const failure = MOUTH.fails(say);
    if (failure) throw failure;
    await this.source.transaction(async () => {
      for (let number = from; number < from + count; number++) {
        await this.source.query('insert into said values ($1, $2)', [topic, number]);
        this.events.publish(new Said({ topic, number }));
      }
    });
  }
}

/** How often something was whispered. */
export const WHISPERS = { count: 0 };

@CommandHandler(Whisper)
class WhisperHandler implements ICommandHandler<Whisper> {
  async execute(): Promise<void> {
    WHISPERS.count++;
  }
}

@BoundedModule({
  contract: TalkerContract,
  migrations: [CreateTalker1763800000000],
  providers: [SayHandler, WhisperHandler],
})
export class TalkerModule {}

/** A listener's attempt at an event. */
export interface Hearing {
  readonly listener: string;
  readonly topic: string;
  readonly number: number;
}

/** How a test makes the listeners behave, and what it sees of them; shared by all in its process. */
@Injectable()
export class Ears {
  /** Attempts, in order: `listener:topic:number`. */
  readonly tries: string[] = [];
  /** Which attempts fail. */
  fails: (attempt: Hearing) => Error | undefined = () => undefined;
  /** What else a handler does, after it has written down what it heard. */
  during: (attempt: Hearing) => Promise<void> | void = () => undefined;

  /** Forgets the attempts; nothing fails or takes time. */
  clear(): void {
    this.tries.length = 0;
    this.fails = () => undefined;
    this.during = () => undefined;
  }
}

export const EARS = new Ears();

class CreateListener1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create table heard (id bigint generated always as identity, listener text not null, topic text not null, number int not null)',
    );
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table heard');
  }
}

abstract class Listener {
  abstract readonly name: string;
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    @Inject(Ears) private readonly ears: Ears,
  ) {}

  async handle({ topic, number }: Said): Promise<void> {
    this.ears.tries.push(`${this.name}:${topic}:${number}`);
    await this.source.query('insert into heard (listener, topic, number) values ($1, $2, $3)', [
      this.name,
      topic,
      number,
    ]);
    await this.ears.during({ listener: this.name, topic, number });
    const failure = this.ears.fails({ listener: this.name, topic, number });
    if (failure) throw failure;
  }
}

@Consumer('first', { attemptsMax: 3, backoffMs: 5 })
@EventsHandler(Said)
class FirstListener extends Listener {
  readonly name = 'first';
  constructor(@InjectDataSource() source: DataSource, @Inject(Ears) ears: Ears) {
    super(source, ears);
  }
}

@Consumer('second', { attemptsMax: 3, backoffMs: 5, onDead: 'skip' })
@EventsHandler(Said)
class SecondListener extends Listener {
  readonly name = 'second';
  constructor(@InjectDataSource() source: DataSource, @Inject(Ears) ears: Ears) {
    super(source, ears);
  }
}

/** Retrying does not help. */
export class Hopeless extends Error {}

/** Has little time, gives up on a hopeless error, and begins with the past. */
@Consumer('hasty', {
  attemptsMax: 2,
  backoffMs: 5,
  timeoutMs: 300,
  onDead: 'skip',
  startFrom: 'beginning',
  notRetryable: [Hopeless],
})
@EventsHandler(Said)
class HastyListener extends Listener {
  readonly name = 'hasty';
  constructor(@InjectDataSource() source: DataSource, @Inject(Ears) ears: Ears) {
    super(source, ears);
  }
}

/** Begins with what is said from now on. */
@Consumer('late', { attemptsMax: 3, backoffMs: 5 })
@EventsHandler(Said)
class LateListener extends Listener {
  readonly name = 'late';
  constructor(@InjectDataSource() source: DataSource, @Inject(Ears) ears: Ears) {
    super(source, ears);
  }
}

const QUESTION = 'question';

/** Topics on which the listener also sends what it may not. */
export const SECRET = 'question of secrets';
/** The topic of the answers to a question. */
export const answerTo = (topic: string): string => topic.replace(QUESTION, 'answer');

class Conversation {
  @IsInt() answers = 0;
}

/** Sends a durable command to the talker for each thing that it says on a topic which begins with "question". */
@Process('conversation', { state: Conversation })
class Answers {
  @Starts(Said, ({ topic }) => topic)
  answer({ topic, number }: Said, run: Run<Conversation>): void {
    if (!topic.startsWith(QUESTION)) return;
    run.state.answers += 1;
    if (topic.startsWith(SECRET)) run.send(new Whisper());
    run.send(new Say({ topic: answerTo(topic), from: number, count: 1 }));
  }
}

const LISTENER = {
  contract: ListenerContract,
  uses: [TalkerContract],
  migrations: [CreateListener1763800000000],
};
const EARS_PROVIDER = { provide: Ears, useFactory: () => EARS };

@BoundedModule({ ...LISTENER, providers: [EARS_PROVIDER, FirstListener, SecondListener] })
export class ListenerModule {}

/** The listener in a newer version, with two more consumers. */
@BoundedModule({ ...LISTENER, providers: [EARS_PROVIDER, FirstListener, SecondListener, HastyListener, LateListener] })
export class NewerListenerModule {}

/** The listener with a process that answers. */
@BoundedModule({ ...LISTENER, providers: [EARS_PROVIDER, FirstListener, Answers] })
export class AnsweringListenerModule {}

const LISTENERS = { older: ListenerModule, newer: NewerListenerModule, answering: AnsweringListenerModule };

/** Which of the listener's versions runs. */
export type ListenerVersion = keyof typeof LISTENERS;

/** The two modules as an application. */
export function chatterApplication(listener: ListenerVersion): Application {
  return {
    name: 'chatter',
    context: ChatContext,
    modules: [
      { contract: TalkerContract, load: () => Promise.resolve(TalkerModule) },
      {
        contract: ListenerContract,
        load: () => Promise.resolve(LISTENERS[listener]),
      },
    ],
  };
}

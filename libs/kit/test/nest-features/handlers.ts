import { currentCall } from '@fledge/kit';
import { CommandContract, type Fields, QueryContract } from '@fledge/kit/contract';
import { Injectable, Scope } from '@nestjs/common';
import {
  AggregateRoot,
  Command,
  CommandBus,
  CommandHandler,
  EventsHandler,
  type ICommand,
  ofType,
  Query,
  QueryHandler,
  Saga,
} from '@nestjs/cqrs';
import { IsString } from 'class-validator';
import { map, type Observable } from 'rxjs';
import { journal } from './journal.js';

@CommandContract('tea.pour.v1', { result: String })
export class Pour extends Command<string> {
  @IsString() into!: string;
  constructor(fields: Fields<Pour>) {
    super();
    Object.assign(this, fields);
  }
}

@QueryContract('tea.taste.v1', { result: String })
export class Taste extends Query<string> {}

/** A stock command, of nobody's contract. */
export class Stir {
  constructor(readonly times: number) {}
}

@Injectable({ scope: Scope.REQUEST })
export class Spoon {
  private static made = 0;
  readonly number = ++Spoon.made;
}

@CommandHandler(Stir)
export class StirHandler {
  execute({ times }: Stir): Promise<string> {
    return Promise.resolve(`stirred ${times} times in ${currentCall()?.caller ?? 'no call'}`);
  }
}

@CommandHandler(Pour, { scope: Scope.REQUEST })
export class PourHandler {
  constructor(
    private readonly spoon: Spoon,
    private readonly commands: CommandBus,
  ) {}
  async execute({ into }: Pour): Promise<string> {
    const stirred: string = await this.commands.execute(new Stir(3));
    return `${into}, spoon ${this.spoon.number}, ${stirred}`;
  }
}

@QueryHandler(Taste)
export class TasteHandler {
  constructor(readonly flavour: string) {}
  execute(): Promise<string> {
    return Promise.resolve(this.flavour);
  }
}

export class Cooled {
  constructor(readonly by: string) {}
}

@EventsHandler(Cooled)
export class CooledHandler {
  handle({ by }: Cooled): void {
    journal.push(`cooled by ${by}`);
  }
}

export class Reheat {
  constructor(readonly by: string) {}
}

@CommandHandler(Reheat)
export class ReheatHandler {
  execute({ by }: Reheat): Promise<void> {
    journal.push(`reheated after ${by}`);
    return Promise.resolve();
  }
}

@Injectable()
export class ReheatSaga {
  @Saga()
  cooled(events: Observable<object>): Observable<ICommand> {
    return events.pipe(
      ofType(Cooled),
      map(({ by }) => new Reheat(by)),
    );
  }
}

export class Pot extends AggregateRoot {
  cool(): void {
    this.apply(new Cooled('a pot'));
  }
}

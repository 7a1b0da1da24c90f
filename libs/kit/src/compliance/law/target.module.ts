import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { BoundedModule, contextOf, currentCall } from '@fledge/kit';
import { DeadlineExceeded } from '@fledge/kit/contract';
import { Injectable } from '@nestjs/common';
import { CommandHandler, QueryHandler } from '@nestjs/cqrs';
import {
  Bag,
  Echo,
  Echoed,
  Fail,
  FindPart,
  FindParts,
  FindWord,
  GiveNumber,
  Keep,
  ListFlags,
  ListNumbers,
  ListWords,
  Hasty,
  ListParts,
  Look,
  LookContext,
  Misspell,
  NotDeclared,
  Part,
  Refused,
  Seen,
  SeenContext,
  TargetContract,
  Work,
  WorkLog,
} from './target.contract.js';
import { QueryFailedError } from 'typeorm';
import { currentContext } from '../../boundary/index.js';
import { AccessHandlers } from './access.handlers.js';
import { FORM_HANDLERS } from './forms.handlers.js';
import { LawContext } from './law-context.js';

/** Async-local state unknown to the kit: a caller sets it, and the target must not see it. */
export const foreignState = new AsyncLocalStorage<string>();

@Injectable()
class Log {
  private readonly entries = new Map<string, string>();
  add(id: string, what: string): void {
    this.entries.set(id, [this.entries.get(id), what].filter(Boolean).join(' '));
  }
  of(id: string): string {
    return this.entries.get(id) ?? '';
  }
}

@CommandHandler(Echo)
class EchoHandler {
  execute(command: Echo): Promise<Echoed> {
    const sawInstances =
      command instanceof Echo && command.at instanceof Date && command.parts.every((part) => part instanceof Part);
    const echoed = Object.assign(new Echoed(), {
      at: command.at,
      parts: command.parts,
      note: command.note,
      sawInstances,
    });
    // A handler may change its own message.
    command.parts.forEach((part) => (part.count += 1_000));
    echoed.parts = command.parts.map((part) =>
      Object.assign(new Part(), { name: part.name, count: part.count - 1_000 }),
    );
    return Promise.resolve(echoed);
  }
}

@CommandHandler(Fail)
class FailHandler {
  execute(command: Fail): Promise<Part> {
    if (command.how === 'synchronous') throw new Error('inner text thrown at once');
    return Promise.resolve().then(() => this.fail(command.how));
  }

  private fail(how: Fail['how']): Part {
    switch (how) {
      case 'declared':
        throw new Refused({ limit: 3, since: new Date(5_000) });
      case 'undeclared':
        throw Object.assign(new NotDeclared('inner text'), { secret: 'inner text' });
      case 'not-an-error':
        // a handler may throw it, and the boundary must hold
        throw 'inner text';
      case 'bad-result':
        return { name: 'inner text', count: NaN } as Part;
      case 'foreign-kit-error':
        throw new DeadlineExceeded('inner', 'text', 'not-run');
      case 'deadlock':
        throw databaseError('update inner', '40P01');
      case 'lost-connection':
        throw databaseError('update inner', '57P01');
      case 'lost-commit':
        throw databaseError('COMMIT', '57P01');
      default:
        throw new TypeError('inner text');
    }
  }
}

@CommandHandler(Misspell)
class MisspellHandler {
  execute({ what, part }: Misspell): Promise<Part> {
    const misspelt = { nmae: 'inner text' };
    if (what === 'error') throw Object.assign(new Refused({ limit: 3, since: new Date(5_000) }), misspelt);
    return Promise.resolve(what === 'result' ? Object.assign(part, misspelt) : part);
  }
}

/** TypeORM's error for a statement that PostgreSQL aborted. */
function databaseError(statement: string, code: string): QueryFailedError {
  return new QueryFailedError(statement, [], Object.assign(new Error('inner text'), { code }));
}

@QueryHandler(Look)
class LookHandler {
  async execute(): Promise<Seen> {
    await sleep(1);
    const call = currentCall();
    if (!call) throw new Error('the handler runs in no call');
    return {
      caller: call.caller,
      subject: call.identity?.subject,
      roles: [...(call.identity?.roles ?? [])],
      onBehalfOf: call.onBehalfOf,
      correlationId: call.correlationId,
      traceparent: call.traceparent,
      idempotencyKey: call.idempotencyKey,
      timeLeftMs: Math.floor(call.timeLeftMs),
      sawForeignState: foreignState.getStore() !== undefined,
    };
  }
}

@QueryHandler(LookContext)
class LookContextHandler {
  async execute(): Promise<SeenContext> {
    await sleep(1);
    const context = contextOf(LawContext);
    return Object.assign(new SeenContext(), {
      context,
      isInstance: context instanceof LawContext,
      text: currentContext()?.values?.text,
    });
  }
}

@CommandHandler(Work)
class WorkHandler {
  constructor(private readonly log: Log) {}

  async execute({ id, ms }: Work): Promise<void> {
    this.log.add(id, 'started');
    try {
      await sleep(ms, undefined, { signal: currentCall()?.signal });
      this.log.add(id, 'ended');
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
      this.log.add(id, 'aborted');
    }
  }
}

@CommandHandler(Hasty)
class HastyHandler {
  constructor(private readonly log: Log) {}

  async execute({ id }: Hasty): Promise<void> {
    this.log.add(id, 'started');
    await sleep(1_000);
  }
}

@QueryHandler(WorkLog)
class WorkLogHandler {
  constructor(private readonly log: Log) {}

  execute({ id }: WorkLog): Promise<string> {
    return Promise.resolve(this.log.of(id));
  }
}

@QueryHandler(ListParts)
class ListPartsHandler {
  execute({ count }: ListParts): Promise<Part[]> {
    return Promise.resolve(Array.from({ length: count }, (_, i) => ({ name: `part ${i}`, count: i + 1 }) as Part));
  }
}

/** Something, nothing in either way of JavaScript, or what the contract does not allow. */
function finding<T>(what: FindPart['what'], some: T): Promise<T | null> {
  const answers = { some, null: null, undefined: undefined, wrong: 17 };
  return Promise.resolve(answers[what] as T | null);
}

@QueryHandler(FindPart)
class FindPartHandler {
  execute({ what }: FindPart): Promise<Part | null> {
    return finding(what, Object.assign(new Part(), { name: 'found', count: 1 }));
  }
}

@QueryHandler(FindParts)
class FindPartsHandler {
  execute({ what }: FindParts): Promise<Part[] | null> {
    return finding(what, [Object.assign(new Part(), { name: 'found', count: 2 })]);
  }
}

@QueryHandler(FindWord)
class FindWordHandler {
  execute({ what }: FindWord): Promise<string | null> {
    return finding(what, 'null');
  }
}

@CommandHandler(Keep)
class KeepHandler {
  execute({ json }: Keep): Promise<Bag> {
    return Promise.resolve(Object.assign(new Bag(), { json }));
  }
}

/** Not of a plain kind, any of them. */
export const WORDS = ['', 'null', 'ß \u0000 \u2028 😀 \ud800 "\\"'];

@QueryHandler(ListWords)
class ListWordsHandler {
  execute(): Promise<string[]> {
    return Promise.resolve(WORDS);
  }
}

@QueryHandler(ListNumbers)
class ListNumbersHandler {
  execute({ sound }: ListNumbers): Promise<number[]> {
    return Promise.resolve(sound ? [-0, 1.5, Number.MAX_SAFE_INTEGER] : [1, NaN]);
  }
}

@QueryHandler(ListFlags)
class ListFlagsHandler {
  execute(): Promise<boolean[]> {
    return Promise.resolve([true, false]);
  }
}

@QueryHandler(GiveNumber)
class GiveNumberHandler {
  execute(): Promise<number> {
    return Promise.resolve(-0);
  }
}

@BoundedModule({
  contract: TargetContract,
  providers: [
    Log,
    AccessHandlers,
    EchoHandler,
    FailHandler,
    MisspellHandler,
    LookHandler,
    LookContextHandler,
    ...FORM_HANDLERS,
    WorkHandler,
    HastyHandler,
    WorkLogHandler,
    ListPartsHandler,
    GiveNumberHandler,
    KeepHandler,
    FindPartHandler,
    FindPartsHandler,
    FindWordHandler,
    ListWordsHandler,
    ListNumbersHandler,
    ListFlagsHandler,
  ],
})
export class TargetModule {}

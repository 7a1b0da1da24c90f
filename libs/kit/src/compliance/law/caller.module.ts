import { BoundedModule, setContext } from '@fledge/kit';
import { defineContract, type Fields, CommandContract } from '@fledge/kit/contract';
import { Command, CommandBus, CommandHandler, QueryBus } from '@nestjs/cqrs';
import { IsInt, IsOptional, IsString } from 'class-validator';
import { LawContext } from './law-context.js';
import { Look, LookContext, Seen, SeenContext, TargetContract, Work } from './target.contract.js';

/** Makes the caller call the target, for tests of a chain of two boundaries. */
@CommandContract('caller.relay.v1', { result: Number, deadlineMs: 3_000 })
export class Relay extends Command<number> {
  @IsInt() workMs!: number;
  constructor(fields: Fields<Relay>) {
    super();
    Object.assign(this, fields);
  }
}

/** Makes the caller ask the target for the context that it sees. */
@CommandContract('caller.pass-on.v1', { result: SeenContext })
export class PassOn extends Command<SeenContext> {
  /** The caller sets it first, if it is given. */
  @IsOptional() @IsString() tenant?: string;
  constructor(fields: Fields<PassOn> = {}) {
    super();
    Object.assign(this, fields);
  }
}

/** Makes the caller ask the target who acts. */
@CommandContract('caller.ask-who.v1', { result: Seen })
export class AskWho extends Command<Seen> {}

export const CallerContract = defineContract({ name: 'caller', commands: [Relay, PassOn, AskWho] });

@CommandHandler(Relay)
class RelayHandler {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  /** The time that the target had left after `workMs` were used. */
  async execute({ workMs }: Relay): Promise<number> {
    if (workMs > 0) await this.commands.execute(new Work({ id: 'relayed', ms: workMs }));
    const seen = await this.queries.execute(new Look());
    return seen.timeLeftMs;
  }
}

@CommandHandler(PassOn)
class PassOnHandler {
  constructor(private readonly queries: QueryBus) {}

  execute({ tenant }: PassOn): Promise<SeenContext> {
    if (tenant !== undefined) setContext(LawContext, { tenant, locale: null });
    return this.queries.execute(new LookContext());
  }
}

@CommandHandler(AskWho)
class AskWhoHandler {
  constructor(private readonly queries: QueryBus) {}

  execute(_: AskWho): Promise<Seen> {
    return this.queries.execute(new Look());
  }
}

/** A module that may call the target. */
@BoundedModule({
  contract: CallerContract,
  uses: [TargetContract],
  providers: [RelayHandler, PassOnHandler, AskWhoHandler],
})
export class CallerModule {}

export const StrangerContract = defineContract({ name: 'stranger' });

/** A module that declares no dependencies. */
@BoundedModule({ contract: StrangerContract })
export class StrangerModule {}

export const FrontContract = defineContract({ name: 'front' });

/** Calls the caller, which calls the target. */
@BoundedModule({ contract: FrontContract, uses: [CallerContract, TargetContract] })
export class FrontModule {}

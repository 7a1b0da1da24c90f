import { type Application, BoundedModule, Process, type Run, Starts } from '@fledge/kit';
import { CommandContract, defineContract, EventContract, type Fields } from '@fledge/kit/contract';
import { Command, CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { IsOptional, IsString } from 'class-validator';
import { DataSource } from 'typeorm';

@EventContract('errands.asked.v1', { key: 'errand' })
export class Asked {
  @IsString() readonly errand!: string;
  constructor(fields: Fields<Asked>) {
    Object.assign(this, fields);
  }
}

@CommandContract('errands.ask.v1')
export class Ask extends Command<void> {
  @IsString() readonly errand!: string;
  constructor(fields: Fields<Ask>) {
    super();
    Object.assign(this, fields);
  }
}

class ErrandState {
  @IsOptional() @IsString() note?: string;
}

/** Whether the road is open; shared by all in its process. */
export const ROAD = { isOpen: true };

/** A process that fails as long as the road is closed. */
@Process('errand', { state: ErrandState, attemptsMax: 1 })
export class Errand {
  @Starts(Asked, ({ errand }) => errand)
  begin(_event: Asked, run: Run<ErrandState>): void {
    if (!ROAD.isOpen) throw new Error('the road is closed');
    run.state.note = 'done';
    run.finish('done');
  }
}

@CommandHandler(Ask)
export class AskHandler implements ICommandHandler<Ask> {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventBus,
  ) {}

  async execute({ errand }: Ask): Promise<void> {
    await this.source.transaction(async () => void this.events.publish(new Asked({ errand })));
  }
}

export const ErrandsContract = defineContract({ name: 'errands', commands: [Ask], events: [Asked] });

@BoundedModule({ contract: ErrandsContract, providers: [Errand, AskHandler] })
export class ErrandsModule {}

export const errands: Application = {
  name: 'errands',
  modules: [{ contract: ErrandsContract, load: () => Promise.resolve(ErrandsModule) }],
};

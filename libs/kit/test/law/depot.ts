import { type Application, BoundedModule, Consumer, Process, type Run, Starts } from '@fledge/kit';
import {
  CommandContract,
  ContractError,
  defineContract,
  ErrorContract,
  EventContract,
  type Fields,
  type UnknownFields,
} from '@fledge/kit/contract';
import { Command, CommandHandler, EventBus, EventsHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { Type } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * The newer version adds the optional field `added` to each message, result, event and error, and to the items in them.
 */
export type Version = 'older' | 'newer';

/** An event as a replica of the shelf was given it, or a durable command as one of the depot was. */
export interface Heard {
  readonly what: 'event' | 'command';
  readonly reader: Version;
  readonly writer: Version;
  readonly id: string;
  readonly fields: readonly string[];
}

class CreateNothing1764000000000 implements MigrationInterface {
  async up(_runner: QueryRunner): Promise<void> {}
  async down(_runner: QueryRunner): Promise<void> {}
}

/** The names of an object's fields, and of those of the objects in its lists: `items.name`. */
export function fieldsOf(object: object): string[] {
  return Object.entries(object).flatMap(([name, value]: [string, unknown]) => [
    name,
    ...(Array.isArray(value)
      ? (value as object[]).flatMap((item) =>
          typeof item === 'object' ? fieldsOf(item).map((field) => `${name}.${field}`) : [],
        )
      : []),
  ]);
}

/** Makes the contract of the depot as one version of the code has it. */
export function depotContract(version: Version, unknownFields?: UnknownFields) {
  const added = version === 'newer' ? { added: 'by a newer version' } : {};
  const Added = (): PropertyDecorator => (target, name) => {
    if (version === 'newer') [IsOptional(), IsString()].forEach((decorate) => decorate(target, name));
  };

  class Item {
    @IsString() name!: string;
    @Added() added?: string;
  }
  class Receipt {
    @IsString() by!: Version;
    @IsString({ each: true }) saw!: string[];
    @ValidateNested({ each: true }) @Type(() => Item) items!: Item[];
    @Added() added?: string;
  }
  @ErrorContract('depot.full.v1')
  class Full extends ContractError {
    @IsString() by!: Version;
    @IsInt() left!: number;
    @Added() added?: string;
  }
  @CommandContract('depot.store.v1', { result: Receipt, errors: [Full] })
  class Store extends Command<Receipt> {
    @IsString() id!: string;
    @IsBoolean() isTooMuch!: boolean;
    @ValidateNested({ each: true }) @Type(() => Item) items!: Item[];
    @Added() added?: string;
    constructor(fields: Fields<Store>) {
      super();
      Object.assign(this, fields);
    }
  }
  /** What is stored before it arrives. */
  class Durable {
    @IsString() id!: string;
    @IsString() writer!: Version;
    @ValidateNested({ each: true }) @Type(() => Item) items!: Item[];
    @Added() added?: string;
    constructor(fields: Fields<Durable>) {
      Object.assign(this, fields);
    }
  }
  @EventContract('depot.stored.v1', { key: 'id' })
  class Stored extends Durable {}
  @CommandContract('depot.label.v1')
  class Label extends Durable {}
  const items = (): Item[] => [{ name: 'a box', ...added }];
  return {
    contract: defineContract({ name: 'depot', commands: [Store, Label], events: [Stored], unknownFields }),
    Store,
    Stored,
    Label,
    Full,
    full: () => Object.assign(new Full('no room is left'), { by: version, left: 0, ...added }),
    store: (id: string, isTooMuch = false) => new Store({ id, isTooMuch, items: items(), ...added }),
    stored: (id: string) => new Stored({ id, writer: version, items: items(), ...added }),
    label: (id: string) => new Label({ id, writer: version, items: items(), ...added }),
    receipt: (command: object): Receipt => ({ by: version, saw: fieldsOf(command), items: items(), ...added }),
  };
}

/** The depot's contract in a version. */
export type Depot = ReturnType<typeof depotContract>;

/** An application of two modules in a version: the depot, and the shelf, which calls it and takes its events. */
export function depotApplication(version: Version, depot: Depot, heard: Heard[]): Application {
  const { Store, Stored, Label } = depot;
  const hear = (what: Heard['what'], message: { readonly id: string; readonly writer: Version }): void => {
    heard.push({ what, reader: version, writer: message.writer, id: message.id, fields: fieldsOf(message) });
  };

  @CommandHandler(Store)
  class StoreHandler {
    constructor(
      @InjectDataSource() private readonly source: DataSource,
      private readonly events: EventBus,
    ) {}

    async execute(command: InstanceType<typeof Store>): Promise<object> {
      if (command.isTooMuch) throw depot.full();
      await this.source.transaction(() => Promise.resolve(this.events.publish(depot.stored(command.id))));
      return depot.receipt(command);
    }
  }

  @Consumer('labels')
  @EventsHandler(Stored)
  class Labels {
    handle(event: InstanceType<typeof Stored>): void {
      hear('event', event);
    }
  }

  class NoState {}

  @Process('labelling', { state: NoState })
  class Labelling {
    // Under a key of its own the command goes to another partition, and so to any replica.
    @Starts(Stored, ({ id }) => `label of ${id}`)
    begin({ id }: InstanceType<typeof Stored>, run: Run<NoState>): void {
      run.send(depot.label(id));
      run.finish('labelled');
    }
  }

  @CommandHandler(Label)
  class LabelHandler {
    execute(command: InstanceType<typeof Label>): Promise<void> {
      hear('command', command);
      return Promise.resolve();
    }
  }

  @BoundedModule({
    contract: depot.contract,
    migrations: [CreateNothing1764000000000],
    providers: [StoreHandler, LabelHandler],
  })
  class DepotModule {}

  const shelf = defineContract({ name: 'shelf' });
  @BoundedModule({
    contract: shelf,
    uses: [depot.contract],
    migrations: [CreateNothing1764000000000],
    providers: [Labels, Labelling],
  })
  class ShelfModule {}

  return {
    name: 'depots',
    modules: [
      { contract: depot.contract, load: () => Promise.resolve(DepotModule) },
      { contract: shelf, load: () => Promise.resolve(ShelfModule) },
    ],
  };
}

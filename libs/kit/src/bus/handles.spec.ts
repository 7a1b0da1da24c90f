import { Injectable, Scope, type Type } from '@nestjs/common';
import { Command, CommandBus, type ICommand, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { IsInt, IsString } from 'class-validator';
import { CommandContract, defineContract, nullable, QueryContract, StartupError } from '../contract/index.js';
import { modulesOf } from '../host/index.js';
import { testModule, type TestedModule } from '../testing/index.js';
import { BoundedModule, Handles } from './index.js';

class Level {
  @IsInt() pieces!: number;
}

@QueryContract('stock.level.v1', { result: nullable(Level) })
class GetLevel extends Query<Level | null> {
  @IsString() readonly product: string;
  constructor(product: string) {
    super();
    this.product = product;
  }
}

@CommandContract('stock.take.v1', { result: Number })
class Take extends Command<number> {
  @IsString() readonly product: string;
  @IsInt() readonly pieces: number;
  constructor(product: string, pieces: number) {
    super();
    this.product = product;
    this.pieces = pieces;
  }
}

const StockContract = defineContract({ name: 'stock', commands: [Take], queries: [GetLevel] });

abstract class Counted {
  protected readonly counts = new Map([['tea', 5]]);

  /** Inherited by what handles more. */
  @Handles(GetLevel)
  level({ product }: GetLevel): Level | null {
    const pieces = this.counts.get(product);
    return pieces === undefined ? null : { pieces };
  }
}

@Injectable()
class StockService extends Counted {
  @Handles(Take, ({ product, pieces }) => [product, pieces])
  async take(product: string, pieces: number): Promise<number> {
    const left = (this.counts.get(product) ?? 0) - pieces;
    if (left < 0) return Promise.reject(new Error('too few'));
    this.counts.set(product, left);
    return left;
  }
}

@BoundedModule({
  contract: StockContract,
  // under a second token, it is still one handler
  providers: [StockService, { provide: 'stock', useExisting: StockService }],
})
class StockModule {}

let tested: TestedModule | undefined;
afterEach(() => tested?.close());

describe('a method with @Handles', () => {
  it('handles what other modules send, with the message or with the arguments made of it', async () => {
    tested = await testModule(StockModule);
    expect(await tested.execute(new GetLevel('tea'))).toEqual({ pieces: 5 });
    expect(await tested.execute(new GetLevel('coffee'))).toBeNull();
    expect(await tested.execute(new Take('tea', 2))).toBe(3);
    expect(await tested.execute(new GetLevel('tea'))).toEqual({ pieces: 3 });
    await expect(tested.execute(new Take('tea', 9))).rejects.toMatchObject({ code: 'fledge.module-fault' });
  });

  it('handles what its own module sends, by the bus of its kind', async () => {
    tested = await testModule(StockModule);
    const [commands, queries] = [tested.get(CommandBus), tested.get(QueryBus)];
    expect(await queries.execute(new GetLevel('tea'))).toEqual({ pieces: 5 });
    await expect(commands.execute(new Take('tea', 9))).rejects.toThrow('too few');
    await expect(commands.execute(new GetLevel('tea') as unknown as ICommand)).rejects.toMatchObject({
      code: 'fledge.no-handler',
    });
  });

  it('is looked up at each call, so that a test can put another in its place', async () => {
    tested = await testModule(StockModule);
    tested.get(StockService).take = (product, pieces) => Promise.resolve(product.length + pieces);
    expect(await tested.execute(new Take('tea', 4))).toBe(7);
  });
});

@Injectable({ scope: Scope.REQUEST })
class PerRequest {}

@Injectable()
class AmongRequests extends Counted {
  constructor(readonly request: PerRequest) {
    super();
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Transient extends Counted {}

@Injectable()
class OtherService {
  @Handles(GetLevel) find(): null {
    return null;
  }
}

@QueryHandler(GetLevel)
class LevelHandler {
  execute(): Promise<null> {
    return Promise.resolve(null);
  }
}

const TwoContract = defineContract({ name: 'two' });
const OnlyQuery = defineContract({ name: 'stock', queries: [GetLevel] });

function moduleWith(contract: typeof OnlyQuery, ...providers: Type[]): Type {
  class SomeModule {}
  BoundedModule({ contract, providers })(SomeModule);
  return SomeModule;
}

describe('a method with @Handles is refused', () => {
  it.each([
    [
      'of a provider that needs the request',
      moduleWith(OnlyQuery, PerRequest, AmongRequests),
      'handler-method',
      'AmongRequests.level has @Handles(GetLevel), but AmongRequests is made anew for each request or user',
    ],
    [
      'of a provider that each user gets anew',
      moduleWith(OnlyQuery, Transient),
      'handler-method',
      'Transient.level has @Handles(GetLevel), but Transient is made anew for each request or user',
    ],
    [
      'beside another method',
      moduleWith(StockContract, StockService, OtherService),
      'handler-twice',
      'GetLevel is handled by StockService.level and by OtherService.find in stock',
    ],
    [
      'beside a class',
      moduleWith(StockContract, StockService, LevelHandler),
      'handler-twice',
      'GetLevel is handled by LevelHandler and by StockService.level in stock',
    ],
    [
      'for a message of another contract',
      moduleWith(TwoContract, OtherService),
      'handler-foreign',
      "OtherService.find of two handles 'stock.level.v1', which the contract of two does not list",
    ],
  ])('%s', async (_, cls, cause, message) => {
    const start = testModule(cls).then((started) => (tested = started));
    await expect(start).rejects.toMatchObject({ code: `fledge.startup.${cause}`, message });
  });

  it('for a message without a contract, or where it is static', () => {
    class Private extends Query<number> {}
    const decorate = (target: object): void => Handles(Private)(target, 'find', {});
    expect(() => decorate(OtherService.prototype)).toThrow(
      'OtherService.find has @Handles(Private), which belongs to no contract',
    );
    expect(() => decorate(OtherService)).toThrow('OtherService.find is static, and has @Handles(Private)');
    expect(() => decorate(OtherService)).toThrow(StartupError);
  });
});

describe('modulesOf', () => {
  it('makes entries of classes with the contracts that they name', async () => {
    const [entry] = modulesOf(StockModule);
    expect(entry?.contract).toBe(StockContract);
    expect(await entry?.load()).toBe(StockModule);
  });

  it('refuses a class that is no bounded module', () => {
    expect(() => modulesOf(StockService)).toThrow('StockService is listed as a module but has no @BoundedModule');
  });
});

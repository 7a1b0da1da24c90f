import { Body, Controller, Get, Injectable, Post } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import { InjectRepository } from '@nestjs/typeorm';
import { IsBoolean, IsInt, IsString, Min, MinLength } from 'class-validator';
import { Entity, PrimaryColumn, type MigrationInterface, type QueryRunner, Repository } from 'typeorm';
import { currentCall } from '../boundary/index.js';
import { BoundedModule } from '../bus/index.js';
import {
  CommandContract,
  ContractError,
  defineContract,
  ErrorContract,
  type Fields,
  InvalidMessage,
  ModuleFault,
  ModuleUnavailable,
  QueryContract,
  SigningKeys,
  StartupError,
  UndeclaredDependency,
} from '../contract/index.js';
import { Authentication, Roles } from '../security/index.js';
import { fake, FakeBreach, testModule, type TestedModule } from './index.js';

class Reserved {
  @IsString() product!: string;
  @IsInt() @Min(0) left!: number;
  describe(): string {
    return `${this.left} of ${this.product}`;
  }
}

@ErrorContract('stock.out-of-stock.v1')
class OutOfStock extends ContractError {
  @IsString() product!: string;
  constructor(fields: Fields<OutOfStock>) {
    super(`no ${fields.product} left`);
    Object.assign(this, fields);
  }
}

@ErrorContract('stock.never-declared.v1')
class NeverDeclared extends ContractError {}

@CommandContract('stock.reserve.v1', { result: Reserved, errors: [OutOfStock] })
class Reserve extends Command<Reserved> {
  @IsString() @MinLength(2) product!: string;
  @IsInt() quantity!: number;
  constructor(fields: Fields<Reserve>) {
    super();
    Object.assign(this, fields);
  }
}

@QueryContract('stock.list.v1', { result: [Reserved] })
class ListStock extends Query<Reserved[]> {}

@QueryContract('accounts.keys.v1', { result: SigningKeys })
class GetKeys extends Query<SigningKeys> {}

@CommandContract('mail.send.v1')
class SendMail extends Command<void> {}

const StockContract = defineContract({ name: 'stock', commands: [Reserve], queries: [ListStock] });
const AccountsContract = defineContract({ name: 'accounts', queries: [GetKeys] });
const MailContract = defineContract({ name: 'mail', commands: [SendMail] });

class Sale {
  @IsString() product!: string;
  @IsInt() left!: number;
  @IsBoolean() leftIsReal!: boolean;
}

@CommandContract('sales.sell.v1', { result: Sale, errors: [OutOfStock] })
class Sell extends Command<Sale> {
  @IsString() product!: string;
  @IsBoolean() careless!: boolean;
  constructor(fields: Fields<Sell>) {
    super();
    Object.assign(this, fields);
  }
}

class Line {
  @IsString() product!: string;
}

@QueryContract('sales.list.v1', { result: [Line] })
class ListSales extends Query<Line[]> {}

@CommandContract('sales.mail.v1')
class MailSales extends Command<void> {}

@Entity('sale')
class SaleRow {
  @PrimaryColumn() product!: string;
}

class Sales1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table sale (product text primary key)');
  }
  async down(): Promise<void> {}
}

@Injectable()
class Clock {
  day(): string {
    return 'today';
  }
}

@CommandHandler(Sell)
class SellHandler {
  constructor(
    private readonly commands: CommandBus,
    @InjectRepository(SaleRow) private readonly rows: Repository<SaleRow>,
  ) {}

  async execute({ product, careless }: Sell): Promise<Sale> {
    if (careless) {
      const given = await this.commands.execute(new Reserve({ product, quantity: 1 })).catch(() => ({ left: -1 }));
      return { product, left: given.left, leftIsReal: false };
    }
    const reserved = await this.commands.execute(new Reserve({ product, quantity: 1 }));
    // Stored later, so that a test has something to wait for.
    setTimeout(() => void this.rows.upsert({ product }, ['product']), 50);
    return {
      product,
      left: reserved.left,
      leftIsReal: reserved instanceof Reserved && reserved.describe() === `${reserved.left} of ${product}`,
    };
  }
}

@QueryHandler(ListSales)
class ListSalesHandler {
  constructor(private readonly queries: QueryBus) {}
  async execute(): Promise<Line[]> {
    const all = await this.queries.execute(new ListStock());
    return all.map(({ product }) => ({ product }));
  }
}

@CommandHandler(MailSales)
class MailSalesHandler {
  constructor(private readonly commands: CommandBus) {}
  async execute(): Promise<void> {
    await this.commands.execute(new SendMail());
  }
}

class SaleBody {
  @IsString() product!: string;
}

@Controller('sales')
class SalesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly clock: Clock,
  ) {}

  @Post()
  sell(@Body() { product }: SaleBody): Promise<Sale> {
    return this.commands.execute(new Sell({ product, careless: false }));
  }

  @Roles('staff')
  @Get('day')
  day(): object {
    return { day: this.clock.day(), who: currentCall()?.identity?.subject };
  }
}

const SalesContract = defineContract({
  name: 'sales',
  commands: [Sell, MailSales],
  queries: [ListSales],
  routes: ['/sales'],
});

@BoundedModule({
  contract: SalesContract,
  uses: [StockContract, AccountsContract],
  entities: [SaleRow],
  migrations: [Sales1700000000000],
  imports: [Authentication.verifiedBy(GetKeys)],
  providers: [Clock, SellHandler, ListSalesHandler, MailSalesHandler],
  controllers: [SalesController],
})
class SalesModule {}

const stock = fake(StockContract);
const buyer = { subject: 'u-1', roles: [] };
const sell = (product = 'tea'): Sell => new Sell({ product, careless: false });
let test: TestedModule;

beforeAll(async () => {
  test = await testModule(SalesModule, {
    fakes: [stock],
    override: (builder) => builder.overrideProvider(Clock).useValue({ day: () => 'doomsday' }),
    logger: false,
  });
});
beforeEach(() => {
  test.forgetCalls();
  stock.on(Reserve, ({ product }) => ({ product, left: 4 })).on(ListStock, () => []);
});
afterAll(() => test.close());

async function breachOf(promise: PromiseLike<unknown>): Promise<FakeBreach> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof FakeBreach) return error;
    throw error;
  }
  throw new Error('no breach was told');
}

describe('a module tested alone', () => {
  it('runs normally behind its boundary, with copies of contract classes from its fakes', async () => {
    expect(await test.execute(sell())).toEqual({ product: 'tea', left: 4, leftIsReal: true });
    await expect(test.execute(new Sell({ product: 7 as never, careless: false }))).rejects.toThrow(InvalidMessage);
  });

  it('reports what was sent to its neighbours, as they received it', async () => {
    stock.on(Reserve, (message) => {
      Object.assign(message, { product: 'changed by the fake' });
      return { product: 'tea', left: 1 };
    });
    await test.execute(sell());
    expect(test.calls(Reserve)).toEqual([new Reserve({ product: 'tea', quantity: 1 })]);
    expect(test.calls(Reserve)[0]).toBeInstanceOf(Reserve);
    expect(() => test.calls(SendMail)).toThrow('SendMail belongs to no contract that sales uses, so it is never sent');
  });

  it('gets the declared errors of its neighbours, and a lost peer, as from the real ones', async () => {
    stock.on(Reserve, ({ product }) => Promise.reject(new OutOfStock({ product })));
    await expect(test.execute(sell())).rejects.toThrow(new OutOfStock({ product: 'tea' }));
    stock.on(Reserve, () => {
      throw new ModuleUnavailable('stock', 'stock.reserve.v1', 'overloaded');
    });
    const fault = await test.execute(sell()).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(ModuleFault);
    expect((fault as ModuleFault).cause).toBeInstanceOf(ModuleUnavailable);
  });

  it('shows why it failed, which no other caller may see', async () => {
    stock.on(Reserve, ({ product }) => ({ product, left: 4 }));
    const broken = await testModule(SalesModule, {
      fakes: [stock],
      override: (b) => b.overrideProvider(SellHandler).useClass(SellFails),
      logger: false,
    });
    await expect(broken.execute(sell())).rejects.toMatchObject({
      code: 'fledge.module-fault',
      cause: new TypeError('a bug'),
    });
    await broken.close();
  });

  it('may call only what it declares', async () => {
    await expect(test.execute(new MailSales())).rejects.toHaveProperty(
      'cause',
      new UndeclaredDependency('sales', 'mail.send.v1'),
    );
  });

  it('refuses to send a message that is not in its contract', async () => {
    await expect(test.execute(new SendMail())).rejects.toThrow('SendMail is not a message of the contract of sales');
  });

  it("serves HTTP, with the caller's identity, and with overridden providers", async () => {
    const staff = test.as({ subject: 'u-9', roles: ['staff'] });
    expect(await staff.request('GET', '/sales/day')).toMatchObject({
      status: 200,
      body: { day: 'doomsday', who: 'u-9' },
    });
    expect(await test.as(buyer).request('GET', '/sales/day')).toMatchObject({
      status: 403,
      body: { code: 'fledge.forbidden' },
    });
    expect(await test.request('GET', '/sales/day')).toMatchObject({ status: 401 });
    expect((await test.as(buyer).request('POST', '/sales', { product: 7 })).body).toMatchObject({
      violations: [{ path: 'product', rule: 'isString' }],
    });
  });

  it('uses the stock bus for private messages, through Nest', async () => {
    expect(await test.get(CommandBus).execute(sell('own'))).toMatchObject({ product: 'own' });
  });
});

@CommandHandler(Sell)
class SellFails {
  execute(): never {
    throw new TypeError('a bug');
  }
}

describe('a scenario', () => {
  it('runs an action, waits for the state, and checks it', async () => {
    const sale = await test
      .scenario()
      .when(sell('coffee'))
      .eventually('the sale is stored', async ({ product }) => (await rows()).includes(product))
      .check(({ left }) => expect(left).toBe(4));
    expect(sale).toBeInstanceOf(Sale);
  });

  it('runs an action over HTTP', async () => {
    await test
      .as(buyer)
      .scenario()
      .request('POST', '/sales', { product: 'cocoa' })
      .check(({ status }) => expect(status).toBe(201))
      .eventually('the sale is stored', async () => (await rows()).includes('cocoa'));
  });

  it('expects a failure, and fails without one', async () => {
    stock.on(Reserve, ({ product }) => Promise.reject(new OutOfStock({ product })));
    const refused = await test
      .scenario()
      .when(sell())
      .fails(OutOfStock)
      .check(({ product }) => expect(product).toBe('tea'));
    expect(refused).toBeInstanceOf(OutOfStock);
    stock.on(Reserve, ({ product }) => ({ product, left: 1 }));
    await expect(test.scenario().when(sell()).fails(OutOfStock)).rejects.toThrow(
      'OutOfStock was expected, but nothing failed',
    );
  });

  it('ends at the first failing step', async () => {
    let reached = false;
    const broken = test
      .scenario()
      .when(sell())
      .eventually('never', () => false, 40)
      .check(() => void (reached = true));
    await expect(broken).rejects.toThrow('never did not happen within 40 ms');
    expect(reached).toBe(false);
  });

  const rows = async (): Promise<string[]> =>
    (await test.get<Repository<SaleRow>>('SaleRowRepository').find()).map(({ product }) => product);
});

describe('a fake that breaks its contract fails the test', () => {
  it('with a result of the wrong shape, naming the place', async () => {
    stock.on(Reserve, () => ({ product: 'tea', left: -1 }));
    const breach = await breachOf(test.execute(sell()));
    expect(breach.message).toContain(
      "the fake of stock answered 'stock.reserve.v1' with a result that violates its contract: the result of stock.reserve.v1 breaks its contract: left: left must not be less than 0",
    );
    expect(breach.data).toMatchObject({
      contract: 'stock',
      message: 'stock.reserve.v1',
      violations: [{ path: 'left', rule: 'min' }],
    });
  });

  it('with a list that has a wrong item, and with no result at all', async () => {
    stock.on(ListStock, () => [
      { product: 'tea', left: 1 },
      { product: 5 as never, left: 1 },
    ]);
    expect((await breachOf(test.execute(new ListSales()))).violations[0]?.path).toBe('items[1].product');
    stock.on(ListStock, () => undefined as never);
    await breachOf(test.execute(new ListSales()));
  });

  it.each<[string, () => Error, string]>([
    ['an error that the contract does not declare', () => new NeverDeclared('x'), 'NeverDeclared: x'],
    ['a plain error', () => new TypeError('a bug in the fake'), 'TypeError: a bug in the fake'],
    [
      'a declared error whose fields do not fit',
      () => new OutOfStock({ product: 5 as never }),
      'OutOfStock: no 5 left',
    ],
    ["another module's kit error", () => new UndeclaredDependency('a', 'b'), 'UndeclaredDependency'],
  ])('with %s', async (_, make, named) => {
    stock.on(Reserve, () => {
      throw make();
    });
    const breach = await breachOf(test.execute(sell()));
    expect(breach.message).toContain("threw an error that 'stock.reserve.v1' does not declare");
    expect(breach.message).toContain(named);
    expect(breach.message).toContain('declared: OutOfStock');
  });

  it('with a message that no fake handles, and says how to fix it', async () => {
    const alone = await testModule(SalesModule, { logger: false });
    const breach = await breachOf(alone.execute(sell()));
    expect(breach.message).toBe(
      "'stock.reserve.v1' was sent to stock, but no fake answers it\n  Add a handler: fakes: [fake(…).on(Reserve, (message) => …)].",
    );
    await alone.close();
  });

  it('even when the module swallows the error', async () => {
    stock.on(Reserve, () => ({ product: 'tea', left: NaN }));
    await breachOf(test.execute(new Sell({ product: 'tea', careless: true })));
    expect((await breachOf(test.scenario().when(new Sell({ product: 'tea', careless: true })))).wireName).toBe(
      'stock.reserve.v1',
    );
  });

  it('and over HTTP, whatever the response', async () => {
    stock.on(Reserve, () => 5 as never);
    await breachOf(test.as(buyer).request('POST', '/sales', { product: 'tea' }));
  });

  it('when the module is closed at the latest', async () => {
    const own = await testModule(SalesModule, { logger: false });
    await own.get(CommandBus).execute(new Sell({ product: 'tea', careless: true }));
    await own.get(CommandBus).execute(new Sell({ product: 'tea', careless: true }));
    await expect(own.close()).rejects.toThrow(/no fake answers it[^]*no fake answers it/);
    expect(() => own.verifyFakes()).not.toThrow();
  });

  it("at once with a message outside the fake's contract, or a contract that the module does not use", async () => {
    expect(() => fake(StockContract).on(SendMail, () => undefined)).toThrow(
      new StartupError('', "a fake cannot answer 'mail.send.v1': it is not a message of the contract of stock", ''),
    );
    await expect(testModule(SalesModule, { fakes: [fake(MailContract)] })).rejects.toThrow(
      'there is a fake of mail, which sales does not use',
    );
    await expect(testModule(SalesModule, { fakes: [fake(StockContract), fake(StockContract)] })).rejects.toThrow(
      'there are two fakes of stock',
    );
  });
});

describe('a plain testing module', () => {
  it.each([
    ['as it is', { imports: [SalesModule] }],
    ['within a dynamic module', { imports: [{ module: class Outer {}, imports: [SalesModule] }] }],
  ])('refuses a bounded module %s, and says what to use', async (_how, metadata) => {
    await expect(Test.createTestingModule(metadata).compile()).rejects.toMatchObject({
      code: 'fledge.startup.not-in-host',
      message: 'SalesModule is a bounded module, and is imported by a plain Nest application',
      hint: expect.stringContaining(
        '`testModule(SalesModule)` of @fledge/kit/testing, or the whole application by `testApplication(application).start()`',
      ),
    });
  });
});

describe('the types of a fake', () => {
  it('accept the fields of the result and nothing else', () => {
    // @ts-expect-error -- `left` is missing
    fake(StockContract).on(Reserve, ({ product }) => ({ product }));
    // @ts-expect-error -- a list is asked for
    fake(StockContract).on(ListStock, () => ({ product: 'x', left: 1 }));
    // @ts-expect-error -- `quality` is no field of the message
    fake(StockContract).on(Reserve, ({ quality }) => ({ product: String(quality), left: 1 }));
    expect(fake(StockContract).on(ListStock, () => [{ product: 'x', left: 1 }])).toBeDefined();
  });
});

import 'reflect-metadata';
import { type DynamicModule, forwardRef, Get, Controller, Injectable, Module, type Type } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler, type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { IsInt } from 'class-validator';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { BoundedModule, type BoundedModuleOptions } from '../bus/index.js';
import { CommandContract, type Contract, defineContract, QueryContract, StartupError } from '../contract/index.js';
import { LocalTransport } from '../transport/index.js';
import { Host } from './host.js';

@CommandContract('stock.reserve.v1')
class Reserve extends Command<void> {
  @IsInt() readonly quantity!: number;
}

@QueryContract('stock.count.v1', { result: Number })
class Count extends Query<number> {}

@CommandContract('stock.forgotten.v1')
class Forgotten extends Command<void> {}

const StockContract = defineContract({ name: 'stock', commands: [Reserve], queries: [Count], routes: ['/stock'] });
const OrdersContract = defineContract({ name: 'orders', routes: ['/orders'] });

@CommandHandler(Reserve)
class ReserveHandler implements ICommandHandler<Reserve> {
  async execute(): Promise<void> {}
}

@CommandHandler(Reserve)
class AnotherReserveHandler implements ICommandHandler<Reserve> {
  async execute(): Promise<void> {}
}

@CommandHandler(Forgotten)
class ForgottenHandler implements ICommandHandler<Forgotten> {
  async execute(): Promise<void> {}
}

@QueryHandler(Count)
class CountHandler implements IQueryHandler<Count> {
  async execute(): Promise<number> {
    return 1;
  }
}

const HANDLERS = [ReserveHandler, CountHandler];

@BoundedModule({ contract: StockContract, providers: HANDLERS })
class StockModule {}

@Injectable()
class Shelf {}

@Controller('shelves')
class ShelvesController {
  @Get() list(): string[] {
    return [];
  }
}

@Controller()
class RootController {
  @Get('stock/mine') mine(): string[] {
    return [];
  }
  @Get('shelves') list(): string[] {
    return [];
  }
}

@Controller()
class OwnPathsController {
  @Get('stock/mine') mine(): string[] {
    return [];
  }
}

const PartContract = defineContract({ name: 'stock', routes: ['/shops/:shop/stock'] });

@Controller('shops/:id')
class PartController {
  @Get('stock/:product') get(): string[] {
    return [];
  }
}

@Controller('shops/:id')
class WholeController {
  @Get(':part') get(): string[] {
    return [];
  }
}

@Controller('stocks')
class StocksController {
  @Get() list(): string[] {
    return [];
  }
}

@Entity('shelves')
class ShelfRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('integer') height!: number;
}

@Module({})
class Plain {}

/** A module of `stock`, wrong in one way. */
function stock(options: Partial<BoundedModuleOptions> & { exports?: unknown[] }): Type {
  class BadModule {}
  BoundedModule({ contract: StockContract, providers: HANDLERS, ...options })(BadModule);
  return BadModule;
}

/** A module with nothing but a controller. */
function bare(contract: Contract, controller: Type): Type {
  class BareModule {}
  BoundedModule({ contract, controllers: [controller] })(BareModule);
  return BareModule;
}

/** A module of `orders` that gets hold of the stock module by way of `imports`. */
function orders(...imports: NonNullable<BoundedModuleOptions['imports']>): Type {
  class OrdersModule {}
  BoundedModule({ contract: OrdersContract, imports })(OrdersModule);
  return OrdersModule;
}

/** A plain Nest module that imports the bounded module of stock. */
function between(): Type {
  class Between {}
  Module({ imports: [StockModule] })(Between);
  return Between;
}

@Module({ providers: HANDLERS })
class NotBounded {}

interface Refusal {
  readonly when: string;
  /** The bad module, hosted beside the good one of the other contract. */
  readonly cls: () => Type;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const IMPORTS_STOCK = {
  code: 'fledge.startup.module-import',
  message: 'OrdersModule imports the bounded module StockModule',
  hint: 'Remove it from `imports`, name its contract in `uses`, and call it through CommandBus or QueryBus.',
};
const HOLDS_STOCK = {
  code: 'fledge.startup.module-import',
  message: 'the container of OrdersModule holds the bounded module StockModule',
  hint: 'Name its contract in `uses` instead of importing it.',
};

const REFUSALS: readonly Refusal[] = [
  {
    when: 'it has no @BoundedModule',
    cls: () => NotBounded,
    code: 'fledge.startup.not-bounded',
    message: 'NotBounded is listed as a module but has no @BoundedModule',
    hint: 'Replace its @Module by @BoundedModule({ contract, … }).',
  },
  {
    when: 'it exports a provider',
    cls: () => stock({ providers: [...HANDLERS, Shelf], exports: [Shelf, 'TOKEN', Symbol('sign')] }),
    code: 'fledge.startup.module-export',
    message: 'BadModule exports Shelf, TOKEN, Symbol(sign)',
    hint: 'A bounded module exports nothing but its contract: offer what others need as a command or query.',
  },
  { when: 'it imports another bounded module', cls: () => orders(StockModule), ...IMPORTS_STOCK },
  { when: 'it imports another bounded module through a plain one', cls: () => orders(between()), ...IMPORTS_STOCK },
  {
    when: 'it imports another bounded module by a forward reference',
    cls: () => orders(forwardRef(() => StockModule)),
    ...IMPORTS_STOCK,
  },
  {
    when: 'it imports another bounded module within a dynamic one',
    cls: () => orders({ module: Plain, imports: [{ module: Plain, imports: [StockModule] }] }),
    ...IMPORTS_STOCK,
  },
  {
    when: 'it imports another bounded module as a dynamic one',
    cls: () => orders({ module: StockModule }),
    ...IMPORTS_STOCK,
  },
  {
    when: 'it imports another bounded module by a promise',
    cls: () => orders(Promise.resolve<DynamicModule>({ module: StockModule })),
    ...HOLDS_STOCK,
  },
  {
    when: 'it imports another bounded module within a promise',
    cls: () => orders(Promise.resolve<DynamicModule>({ module: Plain, imports: [StockModule] })),
    ...HOLDS_STOCK,
  },
  {
    when: 'a command has no handler',
    cls: () => stock({ providers: [CountHandler] }),
    code: 'fledge.startup.handler-missing',
    message: "stock has 'stock.reserve.v1' in its contract but no handler for it",
    hint: 'Add a provider with @CommandHandler(Reserve) to the module, or @Handles(Reserve) to a method of one.',
  },
  {
    when: 'a query has no handler',
    cls: () => stock({ providers: [ReserveHandler] }),
    code: 'fledge.startup.handler-missing',
    message: "stock has 'stock.count.v1' in its contract but no handler for it",
    hint: 'Add a provider with @QueryHandler(Count) to the module, or @Handles(Count) to a method of one.',
  },
  {
    when: 'a message has two handlers',
    cls: () => stock({ providers: [...HANDLERS, AnotherReserveHandler] }),
    code: 'fledge.startup.handler-twice',
    message: 'Reserve is handled by ReserveHandler and by AnotherReserveHandler in stock',
    hint: 'Keep one handler.',
  },
  {
    when: "it handles another module's message",
    cls: () => {
      class OrdersModule {}
      BoundedModule({ contract: OrdersContract, providers: [ReserveHandler] })(OrdersModule);
      return OrdersModule;
    },
    code: 'fledge.startup.handler-foreign',
    message: "ReserveHandler of orders handles 'stock.reserve.v1', which the contract of orders does not list",
    hint: 'If Reserve belongs to orders, list it in its contract; otherwise move the handler to the module that owns the message.',
  },
  {
    when: 'it handles a message that its contract forgot',
    cls: () => stock({ providers: [...HANDLERS, ForgottenHandler] }),
    code: 'fledge.startup.handler-foreign',
    message: "ForgottenHandler of stock handles 'stock.forgotten.v1', which the contract of stock does not list",
    hint: 'If Forgotten belongs to stock, list it in its contract; otherwise move the handler to the module that owns the message.',
  },
  {
    when: 'a controller serves a path outside of its routes',
    cls: () => stock({ controllers: [ShelvesController] }),
    code: 'fledge.startup.route-outside',
    message: "stock serves 'GET /shelves', which its contract does not own",
    hint: 'Add the prefix to `routes` of the contract of stock: ["/stock"]. They are whole paths, with the global prefix and the version.',
  },
  {
    when: 'a method of a controller without a path serves one outside of its routes',
    cls: () => stock({ controllers: [RootController] }),
    code: 'fledge.startup.route-outside',
    message: "stock serves 'GET /shelves', which its contract does not own",
    hint: 'Add the prefix to `routes` of the contract of stock: ["/stock"]. They are whole paths, with the global prefix and the version.',
  },
  {
    when: 'a path only begins like one of its routes',
    cls: () => stock({ controllers: [StocksController] }),
    code: 'fledge.startup.route-outside',
    message: "stock serves 'GET /stocks', which its contract does not own",
    hint: 'Add the prefix to `routes` of the contract of stock: ["/stock"]. They are whole paths, with the global prefix and the version.',
  },
  {
    when: 'a parameter of its path stands where its route has a text',
    cls: () => bare(PartContract, WholeController),
    code: 'fledge.startup.route-outside',
    message: "stock serves 'GET /shops/:id/:part', which its contract does not own",
    hint: 'Add the prefix to `routes` of the contract of stock: ["/shops/:shop/stock"]. They are whole paths, with the global prefix and the version.',
  },
  {
    when: 'it uses a contract that the application does not list',
    cls: () => stock({ uses: [defineContract({ name: 'weather' })] }),
    code: 'fledge.startup.unknown-contract',
    message: "stock uses the contract of 'weather', which the application does not list",
    hint: "Add the module to the application's list of modules.",
  },
  {
    when: 'it uses its own contract',
    cls: () => stock({ uses: [StockContract] }),
    code: 'fledge.startup.uses-itself',
    message: 'stock names its own contract in `uses`',
    hint: 'Remove it: a module reaches its own handlers directly.',
  },
  {
    when: 'it has a contract of the same name as the listed one, but not the same',
    cls: () => stock({ contract: defineContract({ name: 'stock' }) }),
    code: 'fledge.startup.contract-differs',
    message: "the list of modules names the contract 'stock' for BadModule, whose @BoundedModule names 'stock'",
    hint: 'Name the same contract in both.',
  },
  {
    when: 'it has tables and the host no database',
    cls: () => stock({ entities: [ShelfRow] }),
    code: 'fledge.startup.database',
    message: 'stock has tables, but the host has no database',
    hint: 'Give the Host a `database: { url }`; `startEmbeddedPostgres({ dir })` starts a server and returns its URL.',
  },
];

/** Starts an application with the module in place of the one that it stands for. */
async function startWith(cls: Type): Promise<unknown> {
  const isOrders = cls.name === 'OrdersModule';
  const isBare = cls.name === 'BareModule';
  const modules = [
    { contract: isBare ? PartContract : StockContract, load: () => Promise.resolve(isOrders ? StockModule : cls) },
    { contract: OrdersContract, load: () => Promise.resolve(isOrders ? cls : orders()) },
  ];
  const host = new Host({
    application: { name: 'test', modules },
    modules: ['stock', 'orders'],
    transport: new LocalTransport(),
  });
  try {
    return await host.start();
  } catch (error) {
    return error;
  } finally {
    await host.close();
  }
}

it('starts what is sound', async () => {
  expect(await startWith(orders(Plain))).toBeInstanceOf(Host);
});

// It was refused for '/', the path of the class itself.
it('starts a controller without a path whose methods stay in its routes', async () => {
  expect(await startWith(stock({ controllers: [OwnPathsController] }))).toBeInstanceOf(Host);
});

it('starts a controller with a route of its own below the parameter of another', async () => {
  expect(await startWith(bare(PartContract, PartController))).toBeInstanceOf(Host);
});

describe('a module is refused when the host starts, when', () => {
  it.each(REFUSALS)('$when', async ({ cls, code, message, hint }) => {
    const error = await startWith(cls());
    expect(error).toBeInstanceOf(StartupError);
    expect(error).toMatchObject({ code, message, hint, outcome: 'not-run' });
  });
});

describe('an application is refused, when', () => {
  const application = (...contracts: Contract[]) => ({
    name: 'test',
    modules: contracts.map((contract) => ({ contract, load: () => Promise.resolve(StockModule) })),
  });
  const hostOf = (contracts: Contract[], modules: string[] = []) =>
    new Host({ application: application(...contracts), modules, transport: new LocalTransport() });

  it.each([
    [
      'two modules have one name',
      [StockContract, defineContract({ name: 'stock' })],
      'fledge.startup.module-twice',
      "two contracts have the name 'stock'",
    ],
    [
      'two modules own one route',
      [StockContract, defineContract({ name: 'depot', routes: ['/stock'] })],
      'fledge.startup.route-twice',
      "the route '/stock' is owned by stock and by depot",
    ],
  ])('%s', (_when, contracts, code, message) => {
    let error: unknown;
    try {
      hostOf(contracts);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(StartupError);
    expect(error).toMatchObject({ code, message });
  });

  it('it has no module of the name that is to be hosted', async () => {
    await expect(hostOf([StockContract], ['stocks']).start()).rejects.toMatchObject({
      code: 'fledge.startup.unknown-module',
      message: "the application test has no module 'stocks'",
      hint: 'It has: stock.',
    });
  });
});

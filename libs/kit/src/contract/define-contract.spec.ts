import { IsInt, IsString } from 'class-validator';
import { type ContractOptions, defineContract } from './define-contract.js';
import { StartupError } from './errors.js';
import {
  type Class,
  CommandContract,
  ContractError,
  DEADLINE_DEFAULT_MS,
  DEADLINE_MAX_MS,
  ErrorContract,
  errorSpec,
  EventContract,
  eventSpec,
  type MessageOptions,
  messageSpec,
  QueryContract,
  type UnknownFields,
} from './messages.js';

@CommandContract('stock.reserve.v1')
class Reserve {}
@CommandContract('stock.reserve.v1')
class ReserveToo {}
@QueryContract('stock.level.v1')
class Level {}
@EventContract('stock.level.v1', { key: 'id' })
class LevelChanged {}
@CommandContract('catalog.rename.v1')
class Foreign {}
@EventContract('catalog.renamed.v1', { key: 'id' })
class ForeignEvent {}
class Plain {}
class NamelessError extends ContractError {}
@CommandContract('stock.break.v1', { errors: [NamelessError] })
class Breaks {}

function refusalOf(run: () => unknown): { code: string; message: string; hint: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof StartupError)
      return { code: error.code.replace('fledge.startup.', ''), message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('defineContract refuses', () => {
  it.each<[string, Partial<ContractOptions>, string, string, string]>([
    [
      'a module name',
      { name: 'Stock' },
      'module-name',
      "'Stock' is not a valid module name",
      'Use at most 40 lower-case letters, digits and hyphens, starting with a letter.',
    ],
    [
      'an empty module name',
      { name: '' },
      'module-name',
      "'' is not a valid module name",
      'Use at most 40 lower-case letters, digits and hyphens, starting with a letter.',
    ],
    [
      'a long module name',
      { name: 's'.repeat(41) },
      'module-name',
      `'${'s'.repeat(41)}' is not a valid module name`,
      'Use at most 40 lower-case letters, digits and hyphens, starting with a letter.',
    ],
    [
      'a command without a contract',
      { commands: [Plain] },
      'message-contract',
      'Plain is listed as a command of stock but has no @CommandContract',
      "Decorate it with @CommandContract('stock.….v1').",
    ],
    [
      'a query among the commands',
      { commands: [Level] },
      'message-contract',
      'Level is listed as a command of stock but has no @CommandContract',
      "Decorate it with @CommandContract('stock.….v1').",
    ],
    [
      'a command among the queries',
      { queries: [Reserve] },
      'message-contract',
      'Reserve is listed as a query of stock but has no @QueryContract',
      "Decorate it with @QueryContract('stock.….v1').",
    ],
    [
      'an event without a contract',
      { events: [Plain] },
      'message-contract',
      'Plain is listed as an event of stock but has no @EventContract',
      "Decorate it with @EventContract('stock.….v1', { key }).",
    ],
    [
      "another module's name",
      { commands: [Foreign] },
      'wire-name',
      "Foreign has the wire name 'catalog.rename.v1' but is in the contract of stock",
      "Name it 'stock.….v1'.",
    ],
    [
      "another module's event",
      { events: [ForeignEvent] },
      'wire-name',
      "ForeignEvent has the wire name 'catalog.renamed.v1' but is in the contract of stock",
      "Name it 'stock.….v1'.",
    ],
    [
      'an error without a contract',
      { commands: [Breaks] },
      'error-contract',
      'stock.break.v1 declares the error NamelessError, which has no @ErrorContract',
      "Decorate it with @ErrorContract('stock.….v1').",
    ],
    [
      'two messages of one name',
      { commands: [Reserve, ReserveToo] },
      'wire-name-twice',
      "the contract of stock has two messages named 'stock.reserve.v1'",
      'Give each its own name.',
    ],
    [
      'a message and an event of one name',
      { queries: [Level], events: [LevelChanged] },
      'wire-name-twice',
      "the contract of stock has two messages named 'stock.level.v1'",
      'Give each its own name.',
    ],
    [
      'a mode of unknown fields',
      { unknownFields: 'strip' as UnknownFields },
      'unknown-fields',
      "the contract of stock has 'strip' as unknownFields",
      "Use 'exact' or 'open'.",
    ],
    [
      'a route without a slash',
      { routes: ['stock'] },
      'route',
      "stock owns the route 'stock', which is not a path prefix",
      "Use lower-case segments, as in '/products', and parameters after the first: '/products/:id/reviews'.",
    ],
    [
      'a route with a slash at its end',
      { routes: ['/stock/'] },
      'route',
      "stock owns the route '/stock/', which is not a path prefix",
      "Use lower-case segments, as in '/products', and parameters after the first: '/products/:id/reviews'.",
    ],
    [
      'a route that begins with a parameter',
      { routes: ['/:shop/stock'] },
      'route',
      "stock owns the route '/:shop/stock', which is not a path prefix",
      "Use lower-case segments, as in '/products', and parameters after the first: '/products/:id/reviews'.",
    ],
    [
      'a route of all paths',
      { routes: ['/'] },
      'route',
      "stock owns the route '/', which is not a path prefix",
      "Use lower-case segments, as in '/products', and parameters after the first: '/products/:id/reviews'.",
    ],
  ])('%s', (_, options, code, message, hint) => {
    expect(refusalOf(() => defineContract({ name: 'stock', ...options }))).toEqual({ code, message, hint });
  });
});

describe('the decorators of messages refuse', () => {
  const command = (name: string, options?: MessageOptions) => () => CommandContract(name, options)(class Named {});
  const named = (name: string) => ({
    code: 'wire-name',
    message: `Named has the wire name '${name}', which is not of the form <module>.<message>.v<major>`,
    hint: "Use lower-case words joined by hyphens and a major version, as in 'inventory.reserve-stock.v1'.",
  });

  it.each([
    '',
    'stock',
    'stock.reserve',
    'stock.reserve.1',
    'stock.reserve.v0',
    'stock.Reserve.v1',
    'stock.reserve_all.v1',
    'stock.a.b.v1',
    ' stock.reserve.v1',
    'stock.reserve.v10000',
    `stock.${'r'.repeat(96)}.v1`,
  ])("the wire name '%s'", (name) => {
    expect(refusalOf(command(name))).toEqual(named(name));
    expect(refusalOf(() => EventContract(name, { key: 'id' })(class Named {}))).toEqual(named(name));
    expect(refusalOf(() => ErrorContract(name)(class Named extends ContractError {}))).toEqual(named(name));
  });

  it('an invalid mode for unknown fields', () => {
    const unknownFields = 'ignore' as UnknownFields;
    const refusal = {
      code: 'unknown-fields',
      message: "Named has 'ignore' as unknownFields",
      hint: "Use 'exact' or 'open'.",
    };
    expect(refusalOf(command('stock.reserve.v1', { unknownFields }))).toEqual(refusal);
    expect(refusalOf(() => EventContract('stock.reserved.v1', { key: 'id', unknownFields })(class Named {}))).toEqual(
      refusal,
    );
  });

  it.each([0, -1, 1.5, NaN, Infinity, DEADLINE_MAX_MS + 1])('a deadline of %d ms', (deadlineMs) => {
    expect(refusalOf(command('stock.reserve.v1', { deadlineMs }))).toEqual({
      code: 'deadline',
      message: `Named has a deadline of ${deadlineMs} ms`,
      hint: 'Use whole milliseconds from 1 to 600000.',
    });
  });
});

describe('a contract', () => {
  it('knows its messages with their defaults', () => {
    const contract = defineContract({
      name: 'stock',
      commands: [Reserve],
      queries: [Level],
      routes: ['/stock', '/.well-known/stock.json', '/a/b', '/products/:productId/stock'],
    });
    expect(contract.messages).toEqual([
      {
        kind: 'command',
        name: 'stock.reserve.v1',
        cls: Reserve,
        result: undefined,
        errors: [],
        deadlineMs: DEADLINE_DEFAULT_MS,
        idempotent: false,
      },
      {
        kind: 'query',
        name: 'stock.level.v1',
        cls: Level,
        result: undefined,
        errors: [],
        deadlineMs: DEADLINE_DEFAULT_MS,
        idempotent: true,
      },
    ]);
    expect(contract.routes).toHaveLength(4);
  });

  it.each([1, DEADLINE_MAX_MS])('accepts a deadline of %d ms', (deadlineMs) => {
    class Bounded {}
    CommandContract('stock.bounded.v1', { deadlineMs })(Bounded);
    expect(messageSpec(Bounded)?.deadlineMs).toBe(deadlineMs);
  });

  it('passes its mode for unknown fields on to its messages and events, unless they set their own', () => {
    @CommandContract('stock.move.v1', { unknownFields: 'exact' })
    class Move {}
    @EventContract('stock.moved.v1', { key: 'id', unknownFields: 'exact' })
    class Moved {}
    const modes = (unknownFields?: UnknownFields) => {
      const { messages, events } = defineContract({
        name: 'stock',
        commands: [Reserve, Move],
        events: [LevelChanged, Moved],
        unknownFields,
      });
      return [...messages, ...events].map((spec) => spec.unknownFields);
    };
    expect(modes('open')).toEqual(['open', 'exact', 'open', 'exact']);
    expect(modes()).toEqual([undefined, 'exact', undefined, 'exact']);
    expect(messageSpec(Reserve)?.unknownFields).toBeUndefined();
  });

  it('belongs to a class and not to its subclasses', () => {
    class Below extends Reserve {}
    class EventBelow extends LevelChanged {}
    expect([messageSpec(Below), eventSpec(EventBelow), errorSpec(NamelessError)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

@ErrorContract('stock.empty.v1', { kind: 'not-found', hint: 'Wait.' })
class Empty extends ContractError {
  @IsString() id = 'p-1';
  @IsInt() left = 0;
}

describe('a declared error', () => {
  it('has the code, kind and hint of its contract and its fields as data', () => {
    const error = new Empty('nothing left');
    expect({
      ...error.data,
      name: error.name,
      code: error.code,
      kind: error.kind,
      hint: error.hint,
      outcome: error.outcome,
    }).toEqual({
      id: 'p-1',
      left: 0,
      name: 'Empty',
      code: 'stock.empty.v1',
      kind: 'not-found',
      hint: 'Wait.',
      outcome: 'rejected',
    });
  });

  it('fails without a contract, and says so', () => {
    expect(refusalOf(() => new NamelessError('x').code)).toMatchObject({
      code: 'error-contract',
      message: 'NamelessError has no @ErrorContract',
    });
    expect(errorSpec(NamelessError as Class)).toBeUndefined();
  });
});

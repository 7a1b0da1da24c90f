import { IsString } from 'class-validator';
import {
  type Class,
  CommandContract,
  type Contract,
  defineContract,
  QueryContract,
  type ResultType,
  nullable,
} from '../contract/index.js';
import { Catalogue } from './catalogue.js';
import { resultCodec } from './codec.js';

@CommandContract('stock.reserve.v1')
class Reserve {}
@QueryContract('stock.level.v1')
class Level {}
class Untyped {
  @IsString() name!: string;
}

const stock = defineContract({ name: 'stock', commands: [Reserve], queries: [Level], routes: ['/stock'] });
/** A contract that was not made by `defineContract`, as two versions of a package can cause. */
const contract = (over: Partial<Contract>): Contract => ({ ...stock, messages: [], routes: [], ...over });

class Bare {
  name!: string;
}

describe('a catalogue refuses', () => {
  it.each<[string, readonly Contract[], string, string]>([
    [
      'two modules of one name',
      [stock, contract({})],
      "two contracts have the name 'stock'",
      'Give each module its own name.',
    ],
    [
      'two messages of one name',
      [stock, contract({ name: 'shop', messages: [{ ...stock.messages[0], cls: class Other {} } as never] })],
      "'stock.reserve.v1' is the wire name of both Reserve and Other",
      'A wire name belongs to one message: rename one, or raise its version.',
    ],
    [
      'a message in two contracts',
      [stock, contract({ name: 'shop', messages: stock.messages.slice(1) })],
      "'stock.level.v1' is the wire name of both Level and Level",
      'A wire name belongs to one message: rename one, or raise its version.',
    ],
    [
      'a route of two modules',
      [stock, contract({ name: 'shop', routes: ['/shop', '/stock'] })],
      "the route '/stock' is owned by stock and by shop",
      'A path prefix belongs to one module.',
    ],
    [
      'a route of two modules with parameters of different names',
      [contract({ routes: ['/a/:id/b'] }), contract({ name: 'shop', routes: ['/a/:key/b'] })],
      "the route '/a/:key/b' is owned by stock and by shop",
      'A path prefix belongs to one module.',
    ],
  ])('%s', (_, contracts, message, hint) => {
    expect(() => new Catalogue(contracts)).toThrow(expect.objectContaining({ message, hint }));
  });
});

describe('a catalogue', () => {
  it('finds messages by class, by name and by module', () => {
    const catalogue = new Catalogue([stock]);
    expect(catalogue.message(Reserve)).toMatchObject({ module: 'stock', name: 'stock.reserve.v1' });
    expect(catalogue.named('stock.level.v1')).toBe(catalogue.message(Level));
    expect(catalogue.of('stock').map(({ name }) => name)).toEqual(['stock.reserve.v1', 'stock.level.v1']);
    expect([catalogue.message(Untyped), catalogue.named('x'), catalogue.of('x'), catalogue.contract('x')]).toEqual([
      undefined,
      undefined,
      [],
      undefined,
    ]);
  });
});

describe('a result that no contract can carry is refused:', () => {
  it.each<[string, ResultType, string]>([
    ['a date', Date as Class, 'the result returns Date, which no contract can carry'],
    ['a map', Map as Class, 'the result returns Map, which no contract can carry'],
    ['any object', Object as Class, 'the result returns Object, which no contract can carry'],
    ['a class without rules', Bare, 'the result returns Bare, none of whose fields is decorated'],
    [
      'a list of a class without rules',
      [Bare],
      'list of Bare.items holds the class Bare, none of whose fields is decorated',
    ],
    [
      'a date that may be null',
      nullable(Date as unknown as Class),
      'the result returns Date, which no contract can carry',
    ],
    ['a list of dates', [Date as unknown as Class], 'the result returns a list of Date, which no contract can carry'],
  ])('%s', (_, type, message) => {
    expect(() => resultCodec('the result', type)).toThrow(message);
  });
});

import { Type } from 'class-transformer';
import {
  getMetadataStorage,
  ArrayMaxSize,
  ArrayMinSize,
  IsDate,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsNotEmptyObject,
  IsOptional,
  IsString,
  IsUUID,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { type Class, InvalidMessage, type Violation } from '../contract/index.js';
import { classCodec, resultCodec } from './codec.js';

class Line {
  @IsUUID() productId!: string;
  @IsInt() @Min(1) quantity!: number;
}
class Order {
  @IsUUID() id!: string;
  @IsString() @MaxLength(5) @MinLength(2) note!: string;
  @IsDate() @Type(() => Date) at!: Date;
  @IsOptional() @IsIn(['a', 'b']) tag?: string;
  @ValidateNested({ each: true }) @Type(() => Line) @ArrayMinSize(1) @ArrayMaxSize(3) lines!: Line[];
  @IsString({ each: true }) @IsNotEmpty({ each: true }) words!: string[];
}
class Tree {
  @IsString() name!: string;
  @ValidateNested({ each: true }) @Type(() => Tree) children!: Tree[];
}
class Hint {
  @IsOptional() @IsString() text?: string;
}
class Hinted {
  @ValidateNested() @Type(() => Hint) @IsNotEmptyObject() hint!: Hint;
}

const id = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';
const good = () => ({ id, note: 'hey', at: new Date(0), lines: [{ productId: id, quantity: 2 }], words: ['x'] });
const codec = classCodec('test.order.v1', Order);

function violations(run: () => unknown): readonly Violation[] {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidMessage) return error.violations;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a codec', () => {
  it('copies into real instances and shares nothing', () => {
    const source = good();
    const copy = codec.copy(source) as Order;
    expect(copy).toBeInstanceOf(Order);
    expect(copy.lines[0]).toBeInstanceOf(Line);
    expect(copy.at).toEqual(new Date(0));
    expect(copy).toEqual(source);
    expect(copy.at).not.toBe(source.at);
    expect(copy.lines).not.toBe(source.lines);
    expect(Object.keys(copy)).not.toContain('tag');
  });

  it('copies any kind of list into a plain one', () => {
    class Words extends Array<string> {}
    const [own, alien] = [
      ['x', 'y'],
      ['x', 'y'],
    ];
    Object.assign(own, { extra: 1 });
    Object.defineProperty(alien, 'constructor', { value: { [Symbol.species]: Words } });
    for (const words of [own, alien, Object.freeze(['x', 'y']), Words.of('x', 'y')]) {
      const copy = (codec.copy({ ...good(), words }) as Order).words;
      expect(copy).toEqual(['x', 'y']);
      expect([Object.getPrototypeOf(copy), Object.isFrozen(copy), Object.keys(copy)]).toEqual([
        Array.prototype,
        false,
        ['0', '1'],
      ]);
    }
  });

  it('reads back what JSON carried', () => {
    expect(codec.decode(JSON.parse(JSON.stringify(codec.copy(good()))))).toEqual(good());
  });

  it.each<[string, (o: Record<string, unknown>) => void, string, string]>([
    ['an unknown field', (o) => (o.extra = 1), 'extra', 'unknown-field'],
    ['a missing field', (o) => delete o.id, 'id', 'type'],
    ['a wrong type', (o) => (o.note = 7), 'note', 'type'],
    ['a broken constraint', (o) => (o.note = 'much too long'), 'note', 'maxLength'],
    ['a broken nested constraint', (o) => (o.lines = [{ productId: id, quantity: 0 }]), 'lines[0].quantity', 'min'],
    ['NaN', (o) => (o.lines = [{ productId: id, quantity: NaN }]), 'lines[0].quantity', 'type'],
    ['an invalid date', (o) => (o.at = new Date(NaN)), 'at', 'type'],
    ['a map', (o) => (o.lines = new Map()), 'lines', 'type'],
    ['a foreign instance', (o) => (o.lines = [new Tree()]), 'lines[0]', 'type'],
    ['a function', (o) => (o.note = () => 'x'), 'note', 'type'],
    ['a bigint', (o) => (o.lines = [{ productId: id, quantity: 1n }]), 'lines[0].quantity', 'type'],
    ['a value not in the list', (o) => (o.tag = 'c'), 'tag', 'isIn'],
    ['an empty word', (o) => (o.words = ['']), 'words[0]', 'isNotEmpty'],
    ['too much', (o) => (o.words = Array.from({ length: 200 }, () => 'x'.repeat(1_000))), '', 'too-large'],
  ])('refuses %s and names its path', (_, spoil, path, rule) => {
    const order = good() as Record<string, unknown>;
    spoil(order);
    expect(violations(() => codec.copy(order))).toContainEqual(expect.objectContaining({ path, rule }));
  });

  it('refuses a cycle and accepts a tree', () => {
    const trees = classCodec('test.tree.v1', Tree);
    const tree: Tree = { name: 'root', children: [{ name: 'leaf', children: [] }] };
    expect(trees.copy(tree)).toEqual(tree);
    tree.children.push(tree);
    expect(violations(() => trees.copy(tree))).toContainEqual(expect.objectContaining({ rule: 'too-deep' }));
  });

  it('turns -0 into the 0 that JSON would make of it', () => {
    const copy = resultCodec('n', Number as Class).copy(-0);
    expect(Object.is(copy, 0)).toBe(true);
  });

  it('bounds a list of results as a whole', () => {
    const list = resultCodec('list', [Line]);
    expect(list.copy([{ productId: id, quantity: 1 }])).toEqual([{ productId: id, quantity: 1 }]);
    expect(
      violations(() => list.copy(Array.from({ length: 5_000 }, () => ({ productId: id, quantity: 1 }))))[0],
    ).toMatchObject({ rule: 'too-large' });
  });
});

describe('a codec that is open to unknown fields', () => {
  const open = classCodec('test.order.v1', Order, 'open');
  const sent = (): Record<string, unknown> => JSON.parse(JSON.stringify(codec.copy(good()))) as Record<string, unknown>;
  const newer = { colour: 'red', parts: [{ size: 1 }], nothing: null };

  it('drops them from what it decodes, at every depth', () => {
    const decoded = open.decode({ ...sent(), ...newer, lines: [{ ...newer, productId: id, quantity: 2 }] });
    expect(decoded).toStrictEqual(codec.decode(sent()));
    const list = resultCodec('list', [Line], 'open');
    expect(list.decode([{ ...newer, productId: id, quantity: 1 }])).toStrictEqual([
      Object.assign(new Line(), { productId: id, quantity: 1 }),
    ]);
    expect(resultCodec('line', Line, 'open').decode({ ...newer, productId: id, quantity: 1 })).toEqual({
      productId: id,
      quantity: 1,
    });
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'drops one named %s, and takes nothing else from it',
    (name) => {
      const decoded = open.decode(
        JSON.parse(JSON.stringify(sent()).replace('{', `{"${name}":{"note":"theirs","injected":1},`)),
      ) as Order;
      expect(decoded).toStrictEqual(codec.decode(sent()));
      expect([Object.getPrototypeOf(decoded), 'injected' in decoded]).toEqual([Order.prototype, false]);
    },
  );

  it('validates the known fields beside them, and reports only those', () => {
    expect(violations(() => open.decode({ ...sent(), ...newer, note: 'much too long' }))).toMatchObject([
      { path: 'note', rule: 'maxLength' },
    ]);
    const { id: _, ...without } = sent();
    expect(violations(() => open.decode({ ...without, iD: id }))).toMatchObject([{ path: 'id', rule: 'type' }]);
  });

  it('validates an object without them', () => {
    const hinted = classCodec('hinted', Hinted, 'open');
    expect(hinted.decode({ hint: { text: 'x', ...newer } })).toEqual({ hint: { text: 'x' } });
    expect(violations(() => hinted.decode({ hint: newer }))).toMatchObject([
      { path: 'hint', rule: 'isNotEmptyObject' },
    ]);
  });

  it('refuses them in values that this program sends', () => {
    expect(violations(() => open.copy({ ...good(), ...newer }))).toContainEqual(
      expect.objectContaining({ path: 'colour', rule: 'unknown-field' }),
    );
    expect(
      violations(() => resultCodec('list', [Line], 'open').copy([{ ...newer, productId: id, quantity: 1 }])),
    ).toContainEqual(expect.objectContaining({ path: 'items[0].colour' }));
  });
});

// A query was answered with a fault: the text of the violation was made of what `constructor` held.
it.each<object>([
  { id, constructor: { name: { toString: 1 } } },
  { id: { constructor: { name: { toString: 1 } } } },
  { words: { constructor: { name: { toString: 1 } } } },
  { lines: [{ constructor: { name: { toString: 1 } } }] },
])('a codec refuses names that every object has: %j', (given) => {
  const json = { ...good(), at: new Date(0).toISOString(), ...given };
  expect(violations(() => codec.decode(json)).length).toBeGreaterThan(0);
  expect(violations(() => codec.copy({ ...good(), ...given })).length).toBeGreaterThan(0);
});

// The storage of class-validator is one for all modules of a process: what one cleared, no other had any more.
it('a codec keeps its rules when a module deletes the metadata of class-validator', () => {
  class Secret {
    @IsString() @MaxLength(3) code!: string;
  }
  class Box {
    @ValidateNested() @Type(() => Secret) secret!: Secret;
    @IsInt() @Min(1) size!: number;
  }
  const boxes = classCodec('test.box.v1', Box);
  const storage = getMetadataStorage() as unknown as { validationMetadatas: Map<unknown, unknown> };
  for (const cls of [Secret, Box]) storage.validationMetadatas.delete(cls);
  expect(
    violations(() => boxes.decode({ secret: { code: 'long' }, size: 0 }))
      .map(({ path }) => path)
      .sort(),
  ).toEqual(['secret.code', 'size']);
  expect(boxes.decode({ secret: { code: 'abc' }, size: 1 })).toBeInstanceOf(Box);
});

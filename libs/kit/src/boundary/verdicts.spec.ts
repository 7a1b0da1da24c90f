import { Type } from 'class-transformer';
import {
  IsDate,
  IsDefined,
  IsEmail,
  IsNotEmpty,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  MaxLength,
  Min,
  MinLength,
  registerDecorator,
  Validate,
  ValidateIf,
  ValidateNested,
  validateSync,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
} from 'class-validator';
import { type Class, InvalidMessage, shapeOf, type UnknownFields } from '../contract/index.js';
import fc from 'fast-check';
import type { RandomContract, RandomField } from '../../test/random/random-contract.js';
import { cases, instanceOf, isPlain } from '../../test/random/random-input.js';
import { classCodec, type Codec } from './codec.js';
import { compileCopy } from './compile.js';
import { explain } from './explain.js';

const CONTRACTS = 150;

/**
 * class-validator's verdict, with the options of the kit's own HTTP pipe. Some of its checks throw for some inputs;
 * that counts as refused.
 */
function theirs(contract: RandomContract, input: unknown): boolean {
  const instance = instanceOf(contract, input);
  if (typeof instance !== 'object' || instance === null) return false;
  try {
    return (
      validateSync(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true }).length === 0
    );
  } catch {
    return false;
  }
}

function ours(take: () => unknown): { readonly accepted: boolean; readonly copy?: unknown } {
  try {
    return { accepted: true, copy: take() };
  } catch (error) {
    if (error instanceof InvalidMessage) return { accepted: false };
    throw error;
  }
}

/**
 * The exceptions by name: what the boundary refuses whatever class-validator says, and the one thing that it accepts in
 * addition.
 */
type Exception =
  'nested-absent' | 'not-finite' | 'foreign-instance' | 'wire-type' | 'list-or-one' | 'unknown-but-undefined';

/** Which exceptions apply to an input, according to the generator's knowledge of its contract. */
function exceptions(contract: RandomContract, input: unknown): Set<Exception> {
  const found = new Set<Exception>();
  visit(contract, input, found);
  return found;
}

function visit(contract: RandomContract, input: unknown, found: Set<Exception>): void {
  if (!isPlain(contract, input)) return void found.add('foreign-instance');
  const known = new Set(contract.fields.map(({ name }) => name));
  if (Object.keys(input).some((key) => !known.has(key) && input[key] === undefined)) found.add('unknown-but-undefined');
  for (const field of contract.fields) visitField(field, input[field.name], found);
}

function visitField(field: RandomField, value: unknown, found: Set<Exception>): void {
  if (value === undefined || value === null) {
    if (!field.optional && !field.conditional) found.add(field.of ? 'nested-absent' : 'wire-type');
    return;
  }
  if (field.list !== Array.isArray(value)) return void found.add('list-or-one');
  for (const item of field.list ? Array.from(value as unknown[]) : [value]) visitItem(field, item, found);
}

function visitItem(field: RandomField, item: unknown, found: Set<Exception>): void {
  if (field.of) {
    if (item === undefined || item === null) found.add('nested-absent');
    else visit(field.of, item, found);
  } else if (typeof item === 'number' && !Number.isFinite(item)) found.add('not-finite');
  else if (!hasWireType(field, item)) found.add('wire-type');
}

function hasWireType({ kind }: RandomField, item: unknown): boolean {
  if (kind === 'scalar') return ['string', 'number', 'boolean'].includes(typeof item);
  return kind === 'date' ? item instanceof Date : typeof item === kind;
}

/** The objects that are in both of two values. */
function sharedBy(one: unknown, other: unknown): unknown[] {
  const ofOne = new Set(objectsIn(one));
  return objectsIn(other).filter((object) => ofOne.has(object));
}

function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(objectsIn)];
}

/** JSON as code with a newer contract sends it: with additional fields in every object. */
function withUnknownFields(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withUnknownFields);
  if (typeof json !== 'object' || json === null) return json;
  const known = Object.entries(json).map(([name, value]): [string, unknown] => [name, withUnknownFields(value)]);
  return Object.fromEntries([['earlier', null], ...known, ['later', { list: [1, { deep: true }] }]]);
}

/** What the fast path leaves to the slow one although it may be valid: conditions, and objects without a prototype. */
function isUnusual({ fields }: RandomContract, input: unknown): boolean {
  if (Object.getPrototypeOf(input) === null || fields.some(({ conditional }) => conditional)) return true;
  const holds = (of: RandomContract, value: unknown): boolean =>
    Array.isArray(value)
      ? value.some((item) => isUnusual(of, item))
      : value !== undefined && value !== null && isUnusual(of, value);
  return fields.some(({ name, of }) => of !== undefined && holds(of, (input as Record<string, unknown>)[name]));
}

describe('the verdict on an input', () => {
  const tally = { accepted: 0, refused: 0, fast: 0 };

  it(`is class-validator's, and the same by both paths, for ${CONTRACTS} random contracts`, () => {
    fc.assert(
      fc.property(cases, ({ contract, inputs }) => {
        const codecs = { exact: classCodec('random', contract.cls), open: classCodec('random', contract.cls, 'open') };
        for (const input of inputs) checkOne(contract, codecs, input);
      }),
      { numRuns: CONTRACTS },
    );
  });

  it('covers valid and invalid inputs, and mostly comes from the fast path', () => {
    const inputs = tally.accepted + tally.refused;
    expect(inputs).toBeGreaterThan(CONTRACTS);
    expect(tally.accepted).toBeGreaterThan(inputs / 10);
    expect(tally.refused).toBeGreaterThan(inputs / 10);
    expect(tally.fast).toBeGreaterThan(tally.accepted / 2);
  });

  function checkOne(
    contract: RandomContract,
    { exact: codec, open }: Readonly<Record<UnknownFields, Codec>>,
    input: unknown,
  ): void {
    const known = exceptions(contract, input);
    const mine = ours(() => codec.copy(input));
    const stricter = [...known].filter((exception) => exception !== 'unknown-but-undefined');
    if (stricter.length > 0)
      expect({ accepted: mine.accepted, for: stricter }).toEqual({ accepted: false, for: stricter });
    else if (!known.has('unknown-but-undefined')) expect(mine.accepted).toBe(theirs(contract, input));

    const shape = shapeOf(contract.cls);
    const fast = compileCopy(shape, 'memory')(input);
    const careful = explain(shape, input, 'memory');
    expect(careful.copy !== undefined).toBe(mine.accepted);
    expect(careful.violations.length === 0).toBe(mine.accepted);
    if (fast !== undefined) expect(fast).toStrictEqual(careful.copy);
    else if (mine.accepted) expect(isUnusual(contract, input)).toBe(true);
    if (!mine.accepted) {
      tally.refused++;
      return;
    }
    tally.accepted++;
    if (fast !== undefined) tally.fast++;
    expect(mine.copy).toBeInstanceOf(contract.cls);
    expect(sharedBy(input, mine.copy)).toEqual([]);
    const json = JSON.parse(JSON.stringify(mine.copy)) as unknown;
    expect(codec.decode(json)).toStrictEqual(mine.copy);
    expect(explain(shape, json, 'json').copy).toStrictEqual(mine.copy);
    const newer = withUnknownFields(json);
    expect(ours(() => codec.decode(newer)).accepted).toBe(false);
    expect(open.decode(newer)).toStrictEqual(mine.copy);
    expect(explain(shape, newer, 'json', 'open').copy).toStrictEqual(mine.copy);
    expect(ours(() => open.copy(newer)).accepted).toBe(false);
  }
});

/**
 * A message with one field that class-validator accepts and the boundary refuses, and the verdict of class-validator.
 */
function onlyTheirs(cls: Class, fields: object): void {
  const instance = Object.assign(Object.create(cls.prototype as object) as object, fields);
  expect(validateSync(instance, { whitelist: true, forbidNonWhitelisted: true })).toEqual([]);
  expect(ours(() => classCodec('exception', cls).copy(instance)).accepted).toBe(false);
}

class Part {
  @IsString() name!: string;
}
class Parted {
  @ValidateNested() @Type(() => Part) part!: Part;
}
class PartList {
  @ValidateNested({ each: true }) @Type(() => Part) parts!: Part[];
}
class Bounded {
  @Min(0) count!: number;
}
class Lenient {
  @IsNumber({ allowNaN: true, allowInfinity: true }) count!: number;
}
class Named {
  @IsNotEmpty() name!: string;
}
class Sometimes {
  @IsDefined() on!: boolean;
  @ValidateIf((all: Sometimes) => all.on) @IsString() name!: string;
}
class OtherPart extends Part {}

describe('the boundary is stricter than class-validator, on purpose:', () => {
  it('nested-absent: a nested object that is not optional must be present, also as an item', () => {
    onlyTheirs(Parted, {});
    onlyTheirs(PartList, { parts: [undefined] });
  });

  it('not-finite: no number may be NaN or infinite, whatever its rules allow', () => {
    onlyTheirs(Bounded, { count: Infinity });
    onlyTheirs(Lenient, { count: NaN });
  });

  it('foreign-instance: an object is plain or of its contract class, not of another class or a subclass', () => {
    onlyTheirs(Parted, { part: Object.assign(new OtherPart(), { name: 'x' }) });
    expect(ours(() => classCodec('exception', Part).copy(Object.assign(new OtherPart(), { name: 'x' }))).accepted).toBe(
      false,
    );
  });

  it('wire-type: a field has the type of its class, even if no rule says so or a condition disables its rules', () => {
    onlyTheirs(Named, { name: 5 });
    onlyTheirs(Sometimes, { on: false, name: 5 });
  });

  it('list-or-one: a list is not an object, and an object is not a list', () => {
    onlyTheirs(Parted, { part: [Object.assign(new Part(), { name: 'x' })] });
    onlyTheirs(PartList, { parts: Object.assign(new Part(), { name: 'x' }) });
  });
});

describe('the boundary also accepts', () => {
  it('unknown-but-undefined: an unknown field that is undefined, since JSON would not carry it', () => {
    const input = { name: 'x', later: undefined };
    expect(
      validateSync(Object.assign(new Part(), input), { whitelist: true, forbidNonWhitelisted: true }),
    ).toHaveLength(1);
    expect(classCodec('exception', Part).copy(input)).toStrictEqual(Object.assign(new Part(), { name: 'x' }));
  });
});

@ValidatorConstraint()
class NotASunday implements ValidatorConstraintInterface {
  validate(value: Date): boolean {
    return value.getUTCDay() !== 0;
  }
}

/** Accepts what it cannot compare, such as text in place of a date. */
function NotBefore(other: string): PropertyDecorator {
  return (target, name) =>
    registerDecorator({
      name: 'notBefore',
      target: target.constructor,
      propertyName: name as string,
      validator: {
        validate: (value: Date, args) => !(value < ((args?.object as Record<string, Date>)[other] as Date)),
      },
    });
}

class Stay {
  @IsDate() @Type(() => Date) from!: Date;
  @IsDate() @Type(() => Date) @NotBefore('from') @Validate(NotASunday) to!: Date;
}

class Spread {
  @IsOptional() @IsString() note?: string;
  @IsString() name!: string;
}

class Priced {
  @IsNumber({ maxDecimalPlaces: 2 }) price!: number;
  @ValidateNested({ each: true }) @Type(() => Mail) mails!: Mail[];
}
class Mail {
  @IsEmail() to!: string;
}

class Lengths {
  @IsOptional() @MinLength(2) least?: string;
  @IsOptional() @MaxLength(2) most?: string;
  @IsOptional() @Length(2, 3) between?: string;
}

describe('a length bound', () => {
  it.each<[Lengths, boolean]>([
    [{ least: '😀' }, false],
    [{ least: '😀😀' }, true],
    [{ least: 'ab' }, true],
    [{ least: 'a' }, false],
    [{ most: '😀😀' }, true],
    [{ most: '😀😀😀' }, false],
    [{ most: 'abc' }, false],
    [{ between: '😀' }, false],
    [{ between: '😀😀😀' }, true],
    [{ between: '😀😀😀😀' }, false],
    [{ between: 'ab' }, true],
    [{ between: 'abcd' }, false],
  ])('counts a surrogate pair as one character, as class-validator does: %j', (input, accepted) => {
    expect(validateSync(Object.assign(new Lengths(), input)).length === 0).toBe(accepted);
    expect(compileCopy(shapeOf(Lengths), 'memory')(input) !== undefined).toBe(accepted);
    expect(ours(() => classCodec('lengths', Lengths).copy(input)).accepted).toBe(accepted);
  });
});

describe('a custom check', () => {
  const [friday, saturday, sunday] = ['2026-11-20', '2026-11-21', '2026-11-22'].map(
    (day) => new Date(`${day}T00:00:00Z`),
  ) as [Date, Date, Date];
  const codec = classCodec('stay', Stay);
  const both = (from: Date, to: Date): boolean[] => [
    ours(() => codec.copy({ from, to })).accepted,
    ours(() => codec.decode({ from: from.toJSON(), to: to.toJSON() })).accepted,
  ];

  // A check that @Validate names was not run at all.
  it('that @Validate names by its class is applied', () => {
    expect(both(friday, saturday)).toEqual([true, true]);
    expect(both(friday, sunday)).toEqual([false, false]);
  });

  // From JSON it got the text of the other date: over a broker it accepted what it refused in one process.
  it('sees the other fields as the contract types them, from memory and from JSON', () => {
    expect(both(saturday, friday)).toEqual([false, false]);
    expect(compileCopy(shapeOf(Stay), 'json')({ from: saturday.toJSON(), to: friday.toJSON() })).toBeUndefined();
  });
});

describe('a check that throws', () => {
  // The caller got class-validator's own error in place of InvalidMessage.
  it('refuses the value at its path', () => {
    const violations = (input: object): unknown => explain(shapeOf(Priced), input, 'memory').violations;
    expect(violations({ price: 1, mails: [{ to: 'a@b.example' }, { to: '\ud800' }] })).toEqual([
      { path: 'mails[1].to', rule: 'check-failed', message: 'to cannot be checked: URI malformed' },
    ]);
    expect(violations({ price: 1e-7, mails: [] })).toMatchObject([{ path: 'price', rule: 'check-failed' }]);
    expect(() => classCodec('priced', Priced).copy({ price: 1e-7, mails: [] })).toThrow(InvalidMessage);
  });
});

describe('the fast path', () => {
  // A constructor that spreads optional fields leaves them undefined, which sent every such message down the slow path.
  it('treats an undefined field as absent', () => {
    expect(compileCopy(shapeOf(Spread), 'memory')({ name: 'x', note: undefined })).toStrictEqual(
      Object.assign(new Spread(), { name: 'x' }),
    );
    expect(compileCopy(shapeOf(Spread), 'memory')({ name: 'x', other: 1, note: undefined })).toBeUndefined();
  });
});

import { Type } from 'class-transformer';
import * as rules from 'class-validator';
import fc from 'fast-check';
import type { Class } from '@fledge/kit/contract';
import { candidates, type Candidate, type PlainKind, seldom } from './random-value.js';

// For each check that it runs, class-validator's own container looks through a list of all that were ever declared.
const made = new Map<unknown, unknown>();
rules.useContainer({
  get: (cls: new () => unknown) => made.get(cls) ?? made.set(cls, new cls()).get(cls),
} as Parameters<typeof rules.useContainer>[0]);

/** What a field of a random contract holds. */
export type Kind = PlainKind | 'object';

/**
 * A field of a random contract, as its generator knows it: what the boundary reads from metadata is said here once
 * more.
 */
export interface RandomField {
  readonly name: string;
  readonly kind: Kind;
  readonly list: boolean;
  readonly optional: boolean;
  /** Under `@ValidateIf`. */
  readonly conditional: boolean;
  readonly of?: RandomContract;
  /** For the message of a failure. */
  readonly rules: readonly string[];
  /** What an input holds for it: one of the candidates, or nothing where it is optional. */
  readonly presence: 'absent' | 'null' | 'there';
  readonly candidates: readonly Candidate[];
}

/** A random contract class and what it was made of. */
export interface RandomContract {
  readonly cls: Class;
  readonly fields: readonly RandomField[];
}

/** Makes a decorator; `each` puts it on the items of a list. */
type Rule = (options: rules.ValidationOptions) => PropertyDecorator;

export enum Colour {
  red = 'red',
  green = 'green',
}
enum Level {
  low = 1,
  high = 2,
}

const STRING: Readonly<Record<string, Rule>> = {
  'MinLength(2)': (o) => rules.MinLength(2, o),
  'MinLength(0)': (o) => rules.MinLength(0, o),
  'MaxLength(3)': (o) => rules.MaxLength(3, o),
  'MaxLength(40)': (o) => rules.MaxLength(40, o),
  'Length(2, 4)': (o) => rules.Length(2, 4, o),
  'Length(3)': (o) => rules.Length(3, undefined, o),
  IsNotEmpty: (o) => rules.IsNotEmpty(o),
  IsDefined: (o) => rules.IsDefined(o),
  IsUUID: (o) => rules.IsUUID(undefined, o),
  'IsUUID(4)': (o) => rules.IsUUID('4', o),
  'IsUUID(7)': (o) => rules.IsUUID('7', o),
  'IsUUID(all)': (o) => rules.IsUUID('all', o),
  IsEmail: (o) => rules.IsEmail({}, o),
  IsUrl: (o) => rules.IsUrl({}, o),
  'Matches(/^[a-z]+$/)': (o) => rules.Matches(/^[a-z]+$/, o),
  'Matches(/\\d/g)': (o) => rules.Matches(/\d/g, o),
  "Matches('^A', 'i')": (o) => rules.Matches('^A', 'i', o),
  IsAlpha: (o) => rules.IsAlpha(undefined, o),
  IsAlphanumeric: (o) => rules.IsAlphanumeric(undefined, o),
  IsISO8601: (o) => rules.IsISO8601({}, o),
  IsNumberString: (o) => rules.IsNumberString({}, o),
  IsLowercase: (o) => rules.IsLowercase(o),
  IsHexColor: (o) => rules.IsHexColor(o),
  IsJSON: (o) => rules.IsJSON(o),
  IsISO4217CurrencyCode: (o) => rules.IsISO4217CurrencyCode(o),
  "Contains('a')": (o) => rules.Contains('a', o),
  "Equals('abc')": (o) => rules.Equals('abc', o),
  "NotEquals('abc')": (o) => rules.NotEquals('abc', o),
  'IsIn(strings)': (o) => rules.IsIn(['abc', 'a', '', '"q"'], o),
  'IsIn(many)': (o) => rules.IsIn(['abc', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'red'], o),
  'IsNotIn(strings)': (o) => rules.IsNotIn(['abc', 'a'], o),
};

const NUMBER: Readonly<Record<string, Rule>> = {
  IsInt: (o) => rules.IsInt(o),
  IsNumber: (o) => rules.IsNumber({}, o),
  'IsNumber(2 places)': (o) => rules.IsNumber({ maxDecimalPlaces: 2 }, o),
  'IsNumber(any)': (o) => rules.IsNumber({ allowNaN: true, allowInfinity: true }, o),
  'Min(0)': (o) => rules.Min(0, o),
  'Min(-1.5)': (o) => rules.Min(-1.5, o),
  'Max(5)': (o) => rules.Max(5, o),
  'Max(1e6)': (o) => rules.Max(1e6, o),
  IsPositive: (o) => rules.IsPositive(o),
  IsNegative: (o) => rules.IsNegative(o),
  'IsDivisibleBy(2)': (o) => rules.IsDivisibleBy(2, o),
  'IsIn(numbers)': (o) => rules.IsIn([0, 1, 2.5], o),
  'IsEnum(Level)': (o) => rules.IsEnum(Level, o),
  IsNotEmpty: (o) => rules.IsNotEmpty(o),
};

const DATE: Readonly<Record<string, Rule>> = {
  'MinDate(1970)': (o) => rules.MinDate(new Date(0), o),
  'MaxDate(2030)': (o) => rules.MaxDate(new Date('2030-01-01'), o),
  IsNotEmpty: (o) => rules.IsNotEmpty(o),
};

const LIST: Readonly<Record<string, Rule>> = {
  IsArray: (o) => rules.IsArray(o),
  'ArrayMinSize(1)': (o) => rules.ArrayMinSize(1, o),
  'ArrayMaxSize(2)': (o) => rules.ArrayMaxSize(2, o),
  ArrayNotEmpty: (o) => rules.ArrayNotEmpty(o),
  ArrayUnique: (o) => rules.ArrayUnique(o),
  'IsNotEmpty of the list': (o) => rules.IsNotEmpty(o),
};

/** A check of the team's own, by a decorator function, as class-validator's page shows it. */
function SameAsFirst(o: rules.ValidationOptions): PropertyDecorator {
  return (target, name) =>
    rules.registerDecorator({
      name: 'sameAsFirst',
      target: target.constructor,
      propertyName: name as string,
      options: o,
      validator: {
        validate(value: unknown, args) {
          const first: unknown = (args?.object as Record<string, unknown>).f0;
          return typeof first !== typeof value || first !== 'abc' || value === first;
        },
      },
    });
}

/** And by a class, whose name is that of a rule of class-validator's own, on purpose. */
@rules.ValidatorConstraint({ name: 'min' })
class NotThirteen implements rules.ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return value !== 13 && value !== '13';
  }
}

const OWN: Readonly<Record<string, Rule>> = {
  'SameAsFirst()': SameAsFirst,
  'Validate(NotThirteen)': (o) => rules.Validate(NotThirteen, [1], o) as PropertyDecorator,
};

const DESIGN: Readonly<Record<PlainKind, unknown>> = {
  string: String,
  number: Number,
  boolean: Boolean,
  date: Date,
  scalar: Object,
};
const OBJECTS_DEEP = 3;
const FIELDS_MAX = 5;

/** A rule with its label, and whether it looks at the items of a list. */
type Chosen = readonly [label: string, rule: Rule, ofItems: boolean];

/** A field before its class is made. */
type Sketch = Omit<RandomField, 'name' | 'rules'> & { readonly chosen: readonly Chosen[] };

/**
 * Contract classes with one to five fields, nested three deep at the most. The values for their inputs come with them,
 * drawn at the same time: so fast-check can shrink both, each without the other.
 */
export function contracts(depth = 1): fc.Arbitrary<RandomContract> {
  const plain = (kind: PlainKind, weight: number) => ({ arbitrary: sketches(kind, fc.constant(undefined)), weight });
  const kinds = [plain('boolean', 1), plain('string', 2), plain('number', 2), plain('date', 1), plain('scalar', 1)];
  if (depth < OBJECTS_DEEP) kinds.push({ arbitrary: sketches('object', contracts(depth + 1)), weight: 1 });
  return (
    fc
      .array(fc.oneof({ withCrossShrink: true }, ...kinds), { maxLength: FIELDS_MAX })
      // with a `minLength`, fast-check would shrink to two fields where one is enough
      .filter((fields) => fields.length > 0)
      .map((fields) => contractOf(fields, depth))
  );
}

function sketches(kind: Kind, of: fc.Arbitrary<RandomContract | undefined>): fc.Arbitrary<Sketch> {
  return fc
    .record({
      of,
      list: seldom(30),
      optional: seldom(25),
      conditional: seldom(10),
      chosen: chosen(kind),
      ofList: some(LIST, false),
      presence: fc.oneof(
        { withCrossShrink: true },
        { arbitrary: fc.constant('absent' as const), weight: 8 },
        { arbitrary: fc.constant('null' as const), weight: 1 },
        { arbitrary: fc.constant('there' as const), weight: 11 },
      ),
      candidates: candidates(kind),
    })
    .map(({ ofList, ...sketch }) => ({
      ...sketch,
      kind,
      chosen: [...sketch.chosen, ...(sketch.list ? ofList : [])],
    }));
}

/** Two rules at the most, in any order. */
function some(from: Readonly<Record<string, Rule>>, ofItems = true): fc.Arbitrary<Chosen[]> {
  return fc.shuffledSubarray(chosenFrom(from, ofItems), { maxLength: 2 });
}

function chosenFrom(from: Readonly<Record<string, Rule>>, ofItems: boolean): Chosen[] {
  return Object.entries(from).map(([label, rule]) => [label, rule, ofItems]);
}

/** Seldom a check of the team's own. */
const own: fc.Arbitrary<Chosen[]> = fc.oneof(
  { withCrossShrink: true },
  { arbitrary: fc.constant<Chosen[]>([]), weight: 85 },
  { arbitrary: fc.subarray(chosenFrom(OWN, true), { minLength: 1, maxLength: 1 }), weight: 15 },
);

/** What a field of a kind is known by, and rules besides. */
function chosen(kind: Kind): fc.Arbitrary<Chosen[]> {
  const besides = (base: fc.Arbitrary<Chosen[]>, more: Readonly<Record<string, Rule>>): fc.Arbitrary<Chosen[]> =>
    fc.tuple(base, some(more), own).map((all) => all.flat());
  switch (kind) {
    case 'string':
      return besides(fc.constant([['IsString', (o) => rules.IsString(o), true]]), STRING);
    case 'number':
      // Without a rule that names the type, it is known by the class's own type alone; items of a list have no such
      // type.
      return besides(
        fc.constantFrom<Chosen[]>(
          [['IsNumber', (o) => rules.IsNumber({}, o), true]],
          [['Max(1e9)', (o) => rules.Max(1e9, o), true]],
        ),
        NUMBER,
      );
    case 'boolean':
      return fc.constant([['IsBoolean', (o) => rules.IsBoolean(o), true]]);
    case 'date':
      return besides(
        fc.constant([
          ['IsDate', (o) => rules.IsDate(o), true],
          ['Type(Date)', () => Type(() => Date), true],
        ]),
        DATE,
      );
    case 'scalar':
      return fc.constantFrom<Chosen[]>(
        [['IsIn(mixed)', (o) => rules.IsIn(['abc', 1, true], o), true]],
        [['IsEnum(Colour)', (o) => rules.IsEnum(Colour, o), true]],
      );
    case 'object':
      return fc.constant([['ValidateNested', (o) => rules.ValidateNested(o), true]]);
  }
}

function contractOf(sketches: readonly Sketch[], depth: number): RandomContract {
  const cls = class {};
  Object.defineProperty(cls, 'name', { value: `Random${depth}` });
  return { cls, fields: sketches.map((sketch, i) => decorated(cls, `f${i}`, sketch)) };
}

function decorated(cls: Class, name: string, { chosen, ...field }: Sketch): RandomField {
  const { kind, list, of } = field;
  const proto = cls.prototype as object;
  for (const [, rule, ofItems] of chosen) rule(list && ofItems ? { each: true } : {})(proto, name);
  if (of) Type(() => of.cls as never)(proto, name);
  if (field.optional) rules.IsOptional()(proto, name);
  if (field.conditional) rules.ValidateIf((object: Record<string, unknown>) => object.f0 !== 'abc')(proto, name);
  Reflect.defineMetadata('design:type', list ? Array : (of?.cls ?? DESIGN[kind as PlainKind]), proto, name);
  return { ...field, name, rules: chosen.map(([label]) => label) };
}

/** A random contract in words. */
export function describeContract({ cls, fields }: RandomContract, indent = '  '): string {
  const lines = fields.map(({ name, kind, list, optional, conditional, of, rules: labels }) => {
    const marks = [list && 'list', optional && 'IsOptional', conditional && "ValidateIf(f0 !== 'abc')"]
      .filter(Boolean)
      .join(' ');
    return `${indent}${name}: ${kind} ${marks} @${labels.join(' @')}${of ? `\n${indent}  ${describeContract(of, `${indent}    `)}` : ''}`;
  });
  return `${cls.name}\n${lines.join('\n')}`;
}

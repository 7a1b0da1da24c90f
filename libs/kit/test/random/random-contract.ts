import { Type } from 'class-transformer';
import * as rules from 'class-validator';
import type { Class } from '@fledge/kit/contract';
import type { Random } from '../../src/compliance/random.js';

/** What a field of a random contract holds. */
export type Kind = 'string' | 'number' | 'boolean' | 'date' | 'scalar' | 'object';

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

const KINDS: readonly Kind[] = ['string', 'string', 'number', 'number', 'boolean', 'date', 'scalar', 'object'];
const DESIGN: Readonly<Record<Exclude<Kind, 'object'>, unknown>> = {
  string: String,
  number: Number,
  boolean: Boolean,
  date: Date,
  scalar: Object,
};

/** A contract class with one to five random fields, nested three deep at the most. */
export function randomContract(random: Random, depth = 0): RandomContract {
  const cls = class {};
  Object.defineProperty(cls, 'name', { value: `Random${depth}` });
  const fields = Array.from({ length: 1 + random.below(5) }, (_, i) => randomField(random, cls, `f${i}`, depth));
  return { cls, fields };
}

function randomField(random: Random, cls: Class, name: string, depth: number): RandomField {
  const kind = random.pick(depth < 2 ? KINDS : KINDS.slice(0, -1));
  const list = random.chance(0.3);
  const optional = random.chance(0.25);
  const conditional = random.chance(0.1);
  const of = kind === 'object' ? randomContract(random, depth + 1) : undefined;
  const chosen = [
    ...baseRules(random, kind, of),
    ...(list ? random.some(Object.entries(LIST), 2).map(([label, rule]): Chosen => [label, rule, false]) : []),
  ];
  const proto = cls.prototype as object;
  for (const [, rule, ofItems] of chosen) rule(list && ofItems ? { each: true } : {})(proto, name);
  if (optional) rules.IsOptional()(proto, name);
  if (conditional) rules.ValidateIf((object: Record<string, unknown>) => object.f0 !== 'abc')(proto, name);
  Reflect.defineMetadata('design:type', list ? Array : (of?.cls ?? DESIGN[kind as keyof typeof DESIGN]), proto, name);
  return { name, kind, list, optional, conditional, of, rules: chosen.map(([label]) => label) };
}

/** A rule with its label, and whether it looks at the items of a list. */
type Chosen = readonly [label: string, rule: Rule, ofItems: boolean];

function baseRules(random: Random, kind: Kind, of: RandomContract | undefined): Chosen[] {
  const more = (from: Readonly<Record<string, Rule>>): Chosen[] =>
    [...random.some(Object.entries(from), 2), ...(random.chance(0.15) ? [random.pick(Object.entries(OWN))] : [])].map(
      ([label, rule]): Chosen => [label, rule, true],
    );
  switch (kind) {
    case 'string':
      return [['IsString', (o) => rules.IsString(o), true], ...more(STRING)];
    case 'number':
      // Without a rule that names the type, it is known by the class's own type alone; items of a list have no such
      // type.
      return [
        [
          ...random.pick([
            [['IsNumber', (o: rules.ValidationOptions) => rules.IsNumber({}, o), true] as Chosen],
            [['Max(1e9)', (o: rules.ValidationOptions) => rules.Max(1e9, o), true] as Chosen],
          ]),
        ],
        more(NUMBER),
      ].flat();
    case 'boolean':
      return [['IsBoolean', (o) => rules.IsBoolean(o), true]];
    case 'date':
      return [['IsDate', (o) => rules.IsDate(o), true], ['Type(Date)', () => Type(() => Date), true], ...more(DATE)];
    case 'scalar':
      return [
        random.pick<Chosen>([
          ['IsIn(mixed)', (o) => rules.IsIn(['abc', 1, true], o), true],
          ['IsEnum(Colour)', (o) => rules.IsEnum(Colour, o), true],
        ]),
      ];
    case 'object':
      return [
        ['ValidateNested', (o) => rules.ValidateNested(o), true],
        ['Type(nested)', () => Type(() => (of as RandomContract).cls as never), true],
      ];
  }
}

/** A random contract in words. */
export function describeContract({ cls, fields }: RandomContract, indent = '  '): string {
  const lines = fields.map(({ name, kind, list, optional, conditional, of, rules: labels }) => {
    const marks = [list && 'list', optional && 'IsOptional', conditional && "ValidateIf(f0 !== 'abc')"]
      .filter(Boolean)
      .join(' ');
    return `${indent}${name}: ${kind} ${marks} @${labels.join(' @')}${of ? `\n${describeContract(of, `${indent}  `)}` : ''}`;
  });
  return `${cls.name}\n${lines.join('\n')}`;
}

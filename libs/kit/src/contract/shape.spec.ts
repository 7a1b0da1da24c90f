import 'reflect-metadata';
import { Exclude, plainToInstance, Transform, Type } from 'class-transformer';
import {
  Allow,
  ArrayMaxSize,
  Equals,
  IsArray,
  IsDate,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  Min,
  registerDecorator,
  Validate,
  ValidateIf,
  ValidateNested,
  validateSync,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
} from 'class-validator';
import { StartupError } from './errors.js';
import { IsOneOf, IsRecordOf, oneOf } from './forms.js';
import type { Class } from './messages.js';
import { shapeOf } from './shape.js';

@ValidatorConstraint({ async: true })
class AsksSomewhere implements ValidatorConstraintInterface {
  validate(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

function Unique(): PropertyDecorator {
  return (target, name) =>
    registerDecorator({
      name: 'unique',
      async: true,
      target: target.constructor,
      propertyName: name as string,
      validator: { validate: () => Promise.resolve(true) },
    });
}

class Part {
  @IsString() name!: string;
}
class Undecorated {
  name!: string;
}
class Refers {
  @ValidateNested() @Type(() => Undecorated) part!: Undecorated;
}

class WithGroups {
  @IsString({ groups: ['create'] }) field!: string;
}
class WithTransform {
  @Transform(({ value }) => value as string) @IsString() field!: string;
}
class WithExclude {
  @Exclude() @IsString() field!: string;
}
class WithPlainObject {
  @IsNotEmpty() field!: Record<string, string>;
}
class WithAny {
  @IsNotEmpty() field!: unknown;
}
class WithUnion {
  @IsNotEmpty() field!: string | number;
}
class WithUntypedList {
  @IsArray() field!: string[];
}
class WithUnvalidatedPart {
  @Type(() => Part) @IsNotEmpty() field!: Part;
}
class WithUnvalidatedParts {
  @Type(() => Part) @ArrayMaxSize(3) field!: Part[];
}
class WithFunction {
  @IsNotEmpty() field!: () => void;
}
class WithBigInt {
  @IsNotEmpty() field!: bigint;
}
class WithMap {
  @IsNotEmpty() field!: Map<string, string>;
}
class WithBuffer {
  @ValidateNested() field!: Buffer;
}
class WithPromise {
  @IsNotEmpty() field!: Promise<string>;
}
class WithAsyncCheck {
  @IsString() @Validate(AsksSomewhere) field!: string;
}
class WithAsyncDecorator {
  @IsString() @Unique() field!: string;
}
class WithOwnJson {
  @IsString() field!: string;
  toJSON(): object {
    return {};
  }
}

const GIVE_ONE =
  'Give it one concrete type with @IsString(), @IsInt(), @IsDate(), or @ValidateNested() @Type(() => Part).';
const DATA = 'Use strings, numbers, booleans, dates, lists and classes of them.';

describe('shapeOf refuses', () => {
  it.each<[Class, string, string]>([
    [WithGroups, 'WithGroups.field uses validation groups', 'A contract has one set of rules: make two classes.'],
    [
      WithTransform,
      'WithTransform.field uses @Transform',
      'A contract carries values unchanged: transform them in the handler.',
    ],
    [WithExclude, 'WithExclude.field uses @Exclude', 'Leave the field out of the contract class.'],
    [WithPlainObject, 'WithPlainObject.field has an unknown type', GIVE_ONE],
    [WithAny, 'WithAny.field has an unknown type', GIVE_ONE],
    [WithUnion, 'WithUnion.field has an unknown type', GIVE_ONE],
    [
      WithUntypedList,
      'WithUntypedList.field has an unknown type',
      'Name the items: @IsString({ each: true }), or @ValidateNested({ each: true }) @Type(() => Item).',
    ],
    [
      WithUnvalidatedPart,
      'WithUnvalidatedPart.field holds a Part that is not validated',
      'Add @ValidateNested() beside @Type(() => …).',
    ],
    [
      WithUnvalidatedParts,
      'WithUnvalidatedParts.field holds a Part that is not validated',
      'Add @ValidateNested() beside @Type(() => …).',
    ],
    [WithFunction, 'WithFunction.field holds a function, which no contract can carry', 'Send data, not behaviour.'],
    [WithBigInt, 'WithBigInt.field holds a BigInt, which no contract can carry', DATA],
    [WithMap, 'WithMap.field holds a Map, which no contract can carry', DATA],
    [WithBuffer, 'WithBuffer.field holds a Buffer, which no contract can carry', DATA],
    [WithPromise, 'WithPromise.field holds a Promise, which no contract can carry', DATA],
    [
      WithAsyncCheck,
      'WithAsyncCheck.field has the asynchronous check AsksSomewhere',
      'Check it in the handler: a boundary cannot wait for checks.',
    ],
    [
      WithAsyncDecorator,
      'WithAsyncDecorator.field has the asynchronous check unique',
      'Check it in the handler: a boundary cannot wait for checks.',
    ],
    [WithOwnJson, 'WithOwnJson has a toJSON method', 'A contract class is data: what crosses is its decorated fields.'],
    [
      Refers,
      'Refers.part holds the class Undecorated, none of whose fields is decorated',
      'Decorate its fields with class-validator, or name a contract class.',
    ],
  ])('%p', (cls, fact, cure) => {
    const refuse = (): unknown => shapeOf(cls);
    expect(refuse).toThrow(StartupError);
    expect(refuse).toThrow(expect.objectContaining({ code: 'fledge.startup.shape', message: fact, hint: cure }));
  });
});

class Base {
  @IsInt() @Min(1) inherited!: number;
}
class Everything extends Base {
  @IsString() text!: string;
  @IsInt() count!: number;
  @IsOptional() @IsIn(['a', 1]) mixed?: 'a' | 1;
  @IsDate() @Type(() => Date) at!: Date;
  @ValidateNested() @Type(() => Everything) @IsOptional() self?: Everything;
  @ValidateNested({ each: true }) @Type(() => Part) parts!: Part[];
  @IsString({ each: true }) words!: string[];
  @ValidateIf((all: Everything) => all.count > 1) @IsString() maybe!: string;
  @IsString({ each: true }) @Allow() allowed!: readonly string[];
}

describe('shapeOf', () => {
  it('reads the fields of a class, its superclasses and its nested classes', () => {
    const shape = shapeOf(Everything);
    const kinds = shape.fields.map(({ name, kind, list, optional, conditional }) => [
      name,
      [kind, list && 'list', optional && 'optional', conditional && 'conditional'].filter(Boolean).join(' '),
    ]);
    expect(Object.fromEntries(kinds)).toEqual({
      inherited: 'number',
      text: 'string',
      count: 'number',
      mixed: 'scalar optional',
      at: 'date',
      self: 'object optional',
      parts: 'object list',
      words: 'string list',
      maybe: 'string conditional',
      allowed: 'string list',
    });
    expect(shape.fields.find(({ name }) => name === 'self')?.of?.()).toBe(shape);
    expect(shapeOf(Everything)).toBe(shape);
  });

  it('forgets a class that it refused, so that it is refused again', () => {
    expect(() => shapeOf(WithMap)).toThrow(StartupError);
    expect(() => shapeOf(WithMap)).toThrow(StartupError);
  });
});

describe('unions and records', () => {
  class Untold {
    @IsString() readonly method!: string;
  }
  class Told {
    @Equals('told') readonly method = 'told' as const;
  }

  it('are refused where a variant does not say which one it is', () => {
    class Holder {
      @IsOneOf(oneOf('method', { told: Told, untold: Untold })) payment!: object;
    }
    expect(() => shapeOf(Holder)).toThrow(
      expect.objectContaining({
        message: "Holder.payment tells Untold by its field 'method', which need not be 'untold'",
        hint: "Declare it in Untold: @Equals('untold') readonly method = 'untold' as const.",
      }),
    );
    class Swapped {
      @IsRecordOf(oneOf('method', { other: Told })) payments!: object;
    }
    expect(() => shapeOf(Swapped)).toThrow("tells Told by its field 'method', which need not be 'other'");
  });

  it.each<[string, unknown, string]>([
    ['nothing, as in a cycle of imports', undefined, 'Holder.values holds a record of undefined'],
    ['dates', Date, 'Holder.values holds a record of Date'],
    ['maps', Map, 'Holder.values holds a record of Map'],
    ['a class without decorated fields', class Bare {}, 'none of whose fields is decorated'],
  ])('are refused of what cannot be carried: a record of %s', (_, item, text) => {
    class Holder {
      @IsRecordOf(item as typeof Told) values!: object;
    }
    expect(() => shapeOf(Holder)).toThrow(text);
    class Union {
      @IsOneOf(oneOf('method', { told: undefined as never })) payment!: object;
    }
    expect(() => shapeOf(Union)).toThrow("holds a union without a class for 'told'");
  });

  it('are checked in the body of a request, too, by class-validator alone', () => {
    class Body {
      @IsOneOf(oneOf('method', { told: Told })) payment!: object;
      @IsRecordOf(Told) all!: object;
      @IsRecordOf(Number) counts!: object;
    }
    const flaws = (plain: object): string[] =>
      validateSync(plainToInstance(Body, plain)).map(({ property }) => property);
    expect(flaws({ payment: { method: 'told' }, all: { a: { method: 'told' } }, counts: { a: 1 } })).toEqual([]);
    expect(flaws({ payment: { method: 'else' }, all: { a: { method: 'else' } }, counts: { a: '1' } })).toEqual([
      'payment',
      'all',
      'counts',
    ]);
    expect(flaws({ payment: { method: 'told' }, all: [], counts: null })).toEqual(['all', 'counts']);
  });
});

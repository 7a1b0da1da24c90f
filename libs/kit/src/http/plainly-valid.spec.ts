import { Type } from 'class-transformer';
import {
  Allow,
  ArrayMaxSize,
  IsArray,
  IsDefined,
  IsEmail,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Max,
  Min,
  registerDecorator,
  validateSync,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { isPlainlyValid } from './plainly-valid.js';

class Named {
  @IsString() @Length(2, 5) name!: string;
}
class Flat extends Named {
  @IsUUID() id!: string;
  @IsOptional() @IsInt() @Min(1) @Max(9) amount?: unknown;
  @IsDefined() present!: unknown;
  @Allow() free?: unknown;
  @ValidateIf((flat: Flat) => flat.free === 'paid') @IsIn(['a', 'b']) kind?: unknown;
  @IsOptional() @IsArray() @ArrayMaxSize(2) @IsEmail({}, { each: true }) copies?: unknown;
  @IsOptional() @IsNumber({ maxDecimalPlaces: 2 }) price?: unknown;
  @IsOptional() @IsString({ each: true }) tags?: unknown;
  @IsOptional() @IsString({ validateIf: (_flat, value) => value !== 7 }) note?: unknown;
}

const VALUES: readonly unknown[] = [
  undefined,
  null,
  '',
  'ab',
  'abcdef',
  'a',
  7,
  0,
  1.5,
  1e-7,
  NaN,
  true,
  {},
  [],
  ['a@b.example'],
  ['a@b.example', 'c@d.example', 'e@f.example'],
  ['\ud800'],
  [1],
  new Set(['a']),
  new Map([[1, 2]]),
  new Date(),
  'paid',
  '0191f3a2-7b52-7c4e-9d0a-3f6b8f1f7c55',
];
const SECOND: readonly unknown[] = [undefined, 'ab', 7, 'paid', ['a@b.example']];
const FIELDS = [
  'name',
  'id',
  'amount',
  'present',
  'free',
  'kind',
  'copies',
  'price',
  'tags',
  'note',
  'other',
  'constructor',
];

function flat(fields: Readonly<Record<string, unknown>>): Flat {
  const made = new Flat();
  for (const [name, value] of Object.entries({
    name: 'abc',
    id: '0191f3a2-7b52-7c4e-9d0a-3f6b8f1f7c55',
    present: 1,
    ...fields,
  }))
    Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true });
  return made;
}

/** class-validator's own word, with the options of the pipe. */
function isValid(object: object): boolean {
  try {
    return (
      validateSync(object, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false }).length === 0
    );
  } catch {
    return false;
  }
}

describe('isPlainlyValid', () => {
  it('takes nothing that class-validator refuses, and what is usual without asking it', () => {
    let taken = 0;
    for (const one of FIELDS) {
      for (const other of FIELDS) {
        for (const value of VALUES) {
          for (const second of SECOND) {
            const object = flat({ [one]: value, [other]: second });
            const plainly = isPlainlyValid(object);
            if (plainly && !isValid(object))
              throw new Error(
                `${one} is ${String(value)}, ${other} is ${String(second)}: taken, though class-validator refuses it`,
              );
            if (plainly) taken++;
          }
        }
      }
    }
    expect(taken).toBeGreaterThan(1_000);
    expect(isPlainlyValid(flat({}))).toBe(true);
    expect(
      isPlainlyValid(flat({ amount: 3, copies: ['a@b.example'], tags: ['x'], note: 7, free: 'paid', kind: 'a' })),
    ).toBe(true);
  });

  it('asks class-validator about classes that hold others or have checks of the team, and runs no such check', () => {
    let asked = 0;
    class Own {
      id = 'x';
    }
    registerDecorator({ name: 'own', target: Own, propertyName: 'id', validator: { validate: () => ++asked > 0 } });
    class Outer {
      @ValidateNested() @Type(() => Named) inner = Object.assign(new Named(), { name: 'abc' });
    }
    expect([isPlainlyValid(new Own()), isPlainlyValid(new Outer()), asked]).toEqual([false, false, 0]);
  });

  it('takes an instance of a class without rules only when it has no fields', () => {
    class Bare {}
    expect([isPlainlyValid(new Bare()), isPlainlyValid(Object.assign(new Bare(), { field: 1 }))]).toEqual([
      true,
      false,
    ]);
  });
});

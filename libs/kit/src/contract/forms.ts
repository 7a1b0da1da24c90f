import { plainToInstance, Type } from 'class-transformer';
import { buildMessage, IsIn, ValidateBy, ValidateNested, validateSync, type ValidationOptions } from 'class-validator';
import type { Class } from './class.js';
import { isPlainObject } from './json-value.js';

/** One of several classes, told apart by a field; see `oneOf`. */
export interface OneOf<V extends Class = Class> {
  /** The field that all of them have. */
  readonly discriminator: string;
  /** By the value of that field. */
  readonly variants: Readonly<Record<string, V>>;
}

/** Values of one type under keys that no class names; see `recordOf`. */
export interface RecordOf<I extends Class | OneOf = Class | OneOf> {
  readonly recordOf: I;
}

/** One of the values of an enum; see `enumOf`. */
export interface EnumOf<V extends string | number = string | number> {
  readonly enumOf: readonly V[];
}

/** What a result can be besides a class. */
export type Form = OneOf | RecordOf | EnumOf;

/** What `Query<T>` promises for a union: `export type Payment = VariantOf<typeof Payment>`. */
export type VariantOf<U extends OneOf> = U extends OneOf<Class<infer T extends object>> ? T : never;

/**
 * A union of classes: `const Payment = oneOf('method', { card: CardPayment, transfer: BankTransfer })`, as a result
 * (`result: Payment`, `[Payment]`, `nullable(Payment)`) or a field (`@IsOneOf(Payment)`). Each class has the field
 * `method` with a value of its own: `@Equals('card') readonly method = 'card' as const`.
 */
export function oneOf<const V extends Readonly<Record<string, Class>>>(
  discriminator: string,
  variants: V,
): OneOf<V[keyof V]> {
  const all: Readonly<Record<string, Class>> = variants;
  return { discriminator, variants: all as Readonly<Record<string, V[keyof V]>> };
}

/**
 * A record: `result: recordOf(Stock)` for a `Query<Record<string, Stock>>`; `String`, `Number` and `Boolean` stand for
 * primitives. A field of one is `@IsRecordOf(Stock)`.
 */
export function recordOf<const I extends Class | OneOf>(item: I): RecordOf<I> {
  return { recordOf: item };
}

/** A value of an enum: `result: enumOf(Color)` for a `Query<Color>`. A field of one is class-validator's `@IsEnum(Color)`. */
export function enumOf<const E extends Readonly<Record<string, string | number>>>(values: E): EnumOf<E[keyof E]> {
  // an enum of numbers also has their names, under the numbers
  const own = Object.entries(values).filter(([key]) => Number.isNaN(Number(key)));
  return { enumOf: own.map(([, value]) => value) as E[keyof E][] };
}

export function isOneOf(type: unknown): type is OneOf {
  return typeof type === 'object' && type !== null && 'discriminator' in type;
}

export function isRecordOf(type: unknown): type is RecordOf {
  return typeof type === 'object' && type !== null && 'recordOf' in type;
}

/** Whether a result is of a form that is no class. */
export function isForm(type: unknown): type is Form {
  return isOneOf(type) || isRecordOf(type) || (typeof type === 'object' && type !== null && 'enumOf' in type);
}

/**
 * A field that holds one of the classes of a union; with `{ each: true }` a list of them. The `@Type` of
 * class-transformer with a `discriminator` does the same.
 */
export function IsOneOf(
  { discriminator, variants }: OneOf,
  options: { readonly each?: boolean } = {},
): PropertyDecorator {
  const subTypes = Object.entries(variants).map(([name, value]) => ({ name, value: value as new () => object }));
  return (target, name) => {
    ValidateNested({ each: options.each ?? false })(target, name);
    Type(() => Object, { discriminator: { property: discriminator, subTypes }, keepDiscriminatorProperty: true })(
      target,
      name,
    );
  };
}

/** class-validator's name for the check of a record. */
export const IS_RECORD_OF = 'recordOf';

/**
 * A field that holds values of a class, of a union, or of `String`, `Number` or `Boolean`, under keys that no class
 * names: `@IsRecordOf(Number) readonly stock!: Record<string, number>`. `__proto__` is not a key.
 */
export function IsRecordOf(item: Class | OneOf, options?: ValidationOptions): PropertyDecorator {
  return ValidateBy(
    {
      name: IS_RECORD_OF,
      constraints: [item],
      validator: {
        validate: (value) => isRecord(value, item),
        defaultMessage: buildMessage((each) => `${each}$property must be a record of ${nameOfItem(item)}`, options),
      },
    },
    options,
  );
}

function nameOfItem(item: Class | OneOf): string {
  return isOneOf(item)
    ? Object.values(item.variants)
        .map(({ name }) => name)
        .join(' or ')
    : item.name;
}

/** Plain values of a class are checked as such, since class-transformer knows no records. */
function isRecord(value: unknown, item: Class | OneOf): boolean {
  if (typeof value !== 'object' || value === null || !isPlainObject(value) || Object.hasOwn(value, '__proto__'))
    return false;
  return Object.values(value).every((each: unknown) => isItem(each, item));
}

function isItem(value: unknown, item: Class | OneOf): boolean {
  if (item === String) return typeof value === 'string';
  if (item === Number) return typeof value === 'number' && Number.isFinite(value);
  if (item === Boolean) return typeof value === 'boolean';
  if (typeof value !== 'object' || value === null) return false;
  const cls = isOneOf(item) ? variantOf(item, value) : item;
  if (cls === undefined) return false;
  const instance = value instanceof cls ? value : plainToInstance(cls as new () => object, value);
  return validateSync(instance, { forbidUnknownValues: false }).length === 0;
}

function variantOf({ discriminator, variants }: OneOf, value: object): Class | undefined {
  const name = (value as Readonly<Record<string, unknown>>)[discriminator];
  return typeof name === 'string' && Object.hasOwn(variants, name) ? variants[name] : undefined;
}

/** What carries a result of a form, or a list of it: a class with the field `value`. */
export function carrierOf(type: Form | readonly [Form]): Class<{ value: unknown }> {
  const each = Array.isArray(type);
  const form = (each ? (type as readonly [Form])[0] : type) as Form;
  class Result {
    value: unknown;
  }
  const decorate = isOneOf(form)
    ? IsOneOf(form, { each })
    : isRecordOf(form)
      ? IsRecordOf(form.recordOf, { each })
      : IsIn([...form.enumOf], { each });
  decorate(Result.prototype, 'value');
  return Result;
}

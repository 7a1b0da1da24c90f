import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsNumber, IsString, ValidateNested, type ValidationOptions } from 'class-validator';
import type { Class, Form, ResultType, Shape, UnknownFields } from '../contract/index.js';
import {
  carrierOf,
  InvalidMessage,
  isForm,
  isNullable,
  shapeOf,
  StartupError,
  MESSAGE_WEIGHT_MAX,
} from '../contract/index.js';
import { compileCopy, type FastCopy, type Source } from './compile.js';
import { explain } from './explain.js';

/**
 * Checks and copies one type at a boundary, from memory or from parsed JSON. Both throw `InvalidMessage` with all
 * violations. The output of `copy` may go to `JSON.stringify` as it is.
 */
export interface Codec {
  copy(value: unknown): unknown;
  decode(json: unknown): unknown;
}

/**
 * The codec of a message, event, error or view class; `name` appears in error texts. Values that this program passes to
 * `copy` must match the class exactly; `unknownFields` applies to decoded values, which may come from another version.
 */
export function classCodec(name: string, cls: Class, unknownFields: UnknownFields = 'exact'): Codec {
  const shape = shapeOf(cls);
  return { copy: taker(name, shape, 'memory', 'exact'), decode: taker(name, shape, 'json', unknownFields) };
}

function taker(name: string, shape: Shape, source: Source, unknownFields: UnknownFields): (value: unknown) => object {
  const fast: FastCopy = compileCopy(shape, source, unknownFields);
  return (value) => {
    const copy = fast(value);
    return copy !== undefined ? copy : carefully(name, shape, value, source, unknownFields);
  };
}

function carefully(name: string, shape: Shape, value: unknown, source: Source, unknownFields: UnknownFields): object {
  const { copy, violations } = explain(shape, value, source, unknownFields);
  if (copy === undefined) throw new InvalidMessage(name, violations);
  return copy;
}

/**
 * The codec of a result: a class, a list of it, a primitive, or nothing. `unknownFields` applies to the classes in it.
 */
export function resultCodec(name: string, type: ResultType, unknownFields: UnknownFields = 'exact'): Codec {
  if (type === undefined) return { copy: nothing, decode: nothing };
  if (isNullable(type)) return orNull(resultCodec(name, type.nullable, unknownFields));
  if (isForm(type)) return formCodec(name, type, unknownFields);
  if (Array.isArray(type) && isForm(type[0])) return formCodec(name, type as readonly [Form], unknownFields);
  if (Array.isArray(type)) return listCodec(name, itemOf(name, type[0] as Class), unknownFields);
  const primitive = PRIMITIVES.get(type);
  if (primitive) {
    const take = (value: unknown): unknown => primitiveOf(name, primitive, value);
    return { copy: take, decode: take };
  }
  if (UNCARRIED.has(type))
    throw new StartupError(
      'result',
      `${name} returns ${(type as Class).name}, which no contract can carry`,
      'Return a view class, String, Number, Boolean, oneOf(…), recordOf(…), enumOf(…), a list of one such as [View], nullable(…) of either, or nothing.',
    );
  const shape = shapeOf(type as Class);
  if (shape.fields.length === 0)
    throw new StartupError(
      'result',
      `${name} returns ${shape.cls.name}, none of whose fields is decorated`,
      'Decorate the fields of the view with class-validator.',
    );
  return classCodec(name, type as Class, unknownFields);
}

/** Carried as the one field of a generated class, as lists are. */
function formCodec(name: string, type: Form | readonly [Form], unknownFields: UnknownFields): Codec {
  const { copy, decode } = classCodec(name, carrierOf(type), unknownFields);
  return {
    copy: (value) => (copy({ value }) as { value: unknown }).value,
    decode: (value) => (decode({ value }) as { value: unknown }).value,
  };
}

function orNull({ copy, decode }: Codec): Codec {
  return {
    copy: (value) => (value === null || value === undefined ? null : copy(value)),
    decode: (json) => (json === null ? null : decode(json)),
  };
}

/** What the handler returns is not carried when the contract declares no result: the caller gets `undefined`. */
function nothing(): undefined {
  return undefined;
}

const PRIMITIVES = new Map<unknown, 'string' | 'number' | 'boolean'>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
]);
const IS_PRIMITIVE = {
  string: (options: ValidationOptions) => IsString(options),
  number: (options: ValidationOptions) => IsNumber({}, options),
  boolean: (options: ValidationOptions) => IsBoolean(options),
};
const UNCARRIED = new Set<unknown>([Date, Map, Set, BigInt, Symbol, Object, Array, Function, Promise]);

function primitiveOf(name: string, type: 'string' | 'number' | 'boolean', value: unknown): unknown {
  const fits =
    typeof value === type &&
    (type !== 'number' || Number.isFinite(value)) &&
    (type !== 'string' || (value as string).length <= MESSAGE_WEIGHT_MAX);
  if (!fits) throw new InvalidMessage(name, [{ path: '', rule: 'type', message: `must be a ${type}` }]);
  return type === 'number' ? (value as number) + 0 : value;
}

function itemOf(name: string, cls: Class): Class {
  if (!UNCARRIED.has(cls)) return cls;
  throw new StartupError(
    'result',
    `${name} returns a list of ${cls.name}, which no contract can carry`,
    'Return a list of a view class, [View], or one of [String], [Number] and [Boolean].',
  );
}

/**
 * A list is carried as the one field of a generated class, so that lists need no codec and no weight rules of their
 * own.
 */
function listCodec(name: string, cls: Class, unknownFields: UnknownFields): Codec {
  const List = class {
    items!: object[];
  };
  Object.defineProperty(List, 'name', { value: `list of ${cls.name}` });
  const primitive = PRIMITIVES.get(cls);
  if (primitive) {
    IsArray()(List.prototype, 'items');
    IS_PRIMITIVE[primitive]({ each: true })(List.prototype, 'items');
  } else {
    ValidateNested({ each: true })(List.prototype, 'items');
    Type(() => cls as never)(List.prototype, 'items');
  }
  const { copy, decode } = classCodec(name, List, unknownFields);
  const take =
    (through: (value: unknown) => unknown) =>
    (items: unknown): unknown =>
      (through({ items }) as { items: object[] }).items;
  return { copy: take(copy), decode: take(decode) };
}

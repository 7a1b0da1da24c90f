import { buildMessage, ValidateBy, type ValidationOptions } from 'class-validator';
import { MESSAGE_DEPTH_MAX, MESSAGE_WEIGHT_MAX, WEIGHT } from './weight.js';

/** A value that JSON has. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue | undefined };

/** class-validator's name for the check. */
export const IS_JSON_VALUE = 'jsonValue';

/** Why a value is not JSON, and where. */
export interface JsonFlaw {
  /** Within the value: `.tags[2]`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

/**
 * A field of any JSON: `@IsJsonValue() readonly settings!: JsonValue`. For what the module does not know the shape of;
 * all else is better said by a class. It is copied and weighed as other fields are. A `Date`, a `Map`, an instance of a
 * class, a function, `NaN`, a cycle and the key `__proto__` are refused; a property that is `undefined` is left out.
 */
export function IsJsonValue(options?: ValidationOptions): PropertyDecorator {
  return ValidateBy(
    {
      name: IS_JSON_VALUE,
      validator: {
        // a body of HTTP has a limit of its own
        validate: (value) => new JsonCopy(Infinity).copy(value) !== undefined,
        defaultMessage: buildMessage((each) => `${each}$property must be a JSON value`, options),
      },
    },
    options,
  );
}

/** Copies JSON values. One is used again and again: it keeps what it says of the last copy. */
export class JsonCopy {
  /** Of the last value. */
  weight = 0;
  /** Why the last value could not be copied; undefined if it was, and if it weighs too much. */
  flaw: JsonFlaw | undefined;

  /** @param weightMax more is not copied to its end. Default: what a message may weigh. */
  constructor(private readonly weightMax: number = MESSAGE_WEIGHT_MAX) {}

  /** A copy; `undefined` for what is not JSON. */
  copy(value: unknown): JsonValue | undefined {
    this.weight = 0;
    this.flaw = undefined;
    return this.value(value, 0);
  }

  private value(value: unknown, depth: number): JsonValue | undefined {
    if (this.weight > this.weightMax) return undefined;
    switch (typeof value) {
      case 'string':
        this.weight += value.length;
        return value;
      case 'number':
        if (!Number.isFinite(value)) return this.refuse(`must be a finite number, is ${value}`);
        this.weight += WEIGHT.number;
        // JSON turns -0 into 0
        return value + 0;
      case 'boolean':
        this.weight += WEIGHT.boolean;
        return value;
      case 'object':
        if (value === null) {
          this.weight += WEIGHT.null;
          return null;
        }
        if (depth === MESSAGE_DEPTH_MAX)
          return this.refuse(`is nested deeper than ${MESSAGE_DEPTH_MAX} levels; is it a cycle?`);
        return Array.isArray(value) ? this.list(value, depth) : this.object(value, depth);
      default:
        return this.refuse(`must be a JSON value, is ${typeof value}`);
    }
  }

  private list(list: readonly unknown[], depth: number): JsonValue | undefined {
    this.weight += list.length * WEIGHT.item;
    const out: JsonValue[] = [];
    for (let i = 0; i < list.length; i++) {
      const item = this.value(list[i], depth + 1);
      if (item === undefined) return this.at(`[${i}]`);
      out.push(item);
    }
    return out;
  }

  private object(object: object, depth: number): JsonValue | undefined {
    if (!isPlainObject(object)) return this.refuse(`must be a JSON value, is ${instanceName(object)}`);
    this.weight += WEIGHT.object;
    const out: Record<string, JsonValue> = {};
    for (const key of Object.keys(object)) {
      const value = (object as Readonly<Record<string, unknown>>)[key];
      if (value === undefined) continue;
      // assigned, it would be the prototype of what is made of it
      if (key === '__proto__') return this.refuse('must not be named __proto__', `.${key}`);
      this.weight += key.length + WEIGHT.field;
      const copy = this.value(value, depth + 1);
      if (copy === undefined) return this.at(`.${key}`);
      out[key] = copy;
    }
    return out;
  }

  private refuse(message: string, path = ''): undefined {
    this.flaw = { path, message };
    return undefined;
  }

  /** Says where a flaw lies, on the way back from it: a value without one needs no path. */
  private at(place: string): undefined {
    if (this.flaw) this.flaw = { path: place + this.flaw.path, message: this.flaw.message };
    return undefined;
  }
}

/** A bare object, also by way of an empty prototype, as query strings are parsed to. */
export function isPlainObject(object: object): boolean {
  const proto = Object.getPrototypeOf(object) as object | null;
  if (proto === null || proto === Object.prototype) return true;
  return Object.getPrototypeOf(proto) === null && Reflect.ownKeys(proto).length === 0;
}

/**
 * The name of an object's class, by its prototype: a field named `constructor`, which anybody can send, says nothing
 * of it, and need not even be text.
 */
export function classNameOf(object: object): string | undefined {
  const proto = Object.getPrototypeOf(object) as object | null;
  const name: unknown = (proto?.constructor as { readonly name?: unknown } | null | undefined)?.name;
  return typeof name === 'string' ? name : undefined;
}

function instanceName(object: object): string {
  const name = classNameOf(object);
  return name === undefined ? 'no plain object' : `an instance of ${name}`;
}

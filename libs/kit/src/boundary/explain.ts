import {
  type Class,
  classNameOf,
  restoreRules,
  IS_RECORD_OF,
  isPlainObject,
  type UnionShape,
  type FieldShape,
  JsonCopy,
  type Shape,
  type UnknownFields,
  type Violation,
  MESSAGE_DEPTH_MAX,
  MESSAGE_WEIGHT_MAX,
  WEIGHT,
} from '../contract/index.js';
import type { Source } from './compile.js';
import { DATE_TEXT } from './date-text.js';
import { judge } from './judge.js';
import { pathTo, VIOLATIONS_MAX, violationsOf } from './violations.js';

/** The result of the careful check: a copy, or all violations (at most `VIOLATIONS_MAX`). */
export interface Explanation {
  readonly copy?: object;
  readonly violations: readonly Violation[];
}

/**
 * The slow counterpart of the compiled copy, for values it gave up on: walks the value field by field, then lets
 * class-validator judge the copy. Its verdict is final.
 */
export function explain(
  shape: Shape,
  value: unknown,
  source: Source,
  unknownFields: UnknownFields = 'exact',
): Explanation {
  const walk = new Walk(source, unknownFields);
  const copy = walk.object(shape, value, '', 0);
  if (walk.weight > MESSAGE_WEIGHT_MAX) {
    walk.violations.push({
      path: '',
      rule: 'too-large',
      message: `weighs ${walk.weight}, more than ${MESSAGE_WEIGHT_MAX}: send less, or a page at a time`,
    });
  }
  if (copy !== undefined && walk.violations.length === 0) {
    const options = { forbidUnknownValues: false };
    for (const cls of walk.classes) restoreRules(cls);
    // values in records are checked separately, with their paths
    walk.violations.push(...violationsOf(judge(copy, options)).filter(({ rule }) => rule !== IS_RECORD_OF));
    for (const { path, object } of walk.inRecords) violationsOf(judge(object, options), path, walk.violations);
  }
  const violations = walk.violations.slice(0, VIOLATIONS_MAX);
  return violations.length > 0 ? { violations } : { copy, violations };
}

class Walk {
  readonly violations: Violation[] = [];
  /** Copies inside records, which class-validator does not check by itself. */
  readonly inRecords: { readonly path: string; readonly object: object }[] = [];
  /** The classes of all copies. */
  readonly classes = new Set<Class>();
  weight = 0;

  constructor(
    private readonly source: Source,
    private readonly unknownFields: UnknownFields,
  ) {}

  private refuse(path: string, rule: string, message: string): undefined {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push({ path, rule, message });
    return undefined;
  }

  object(shape: Shape, value: unknown, path: string, depth: number): object | undefined {
    if (depth > MESSAGE_DEPTH_MAX)
      return this.refuse(path, 'too-deep', `is nested deeper than ${MESSAGE_DEPTH_MAX} levels; is it a cycle?`);
    if (typeof value !== 'object' || value === null)
      return this.refuse(path, 'type', `must be ${a(shape.cls.name)}, is ${nameOf(value)}`);
    const proto = Object.getPrototypeOf(value) as object | null;
    if (proto !== null && proto !== Object.prototype && proto !== shape.cls.prototype) {
      return this.refuse(path, 'type', `must be ${a(shape.cls.name)}, is ${nameOf(value)}`);
    }
    const record = value as Record<string, unknown>;
    if (this.unknownFields === 'exact') this.refuseUnknown(shape, record, path);
    const copy = Object.create(shape.cls.prototype as object) as Record<string, unknown>;
    this.classes.add(shape.cls);
    this.weight += WEIGHT.object;
    for (const field of shape.fields) {
      this.weight += field.name.length + WEIGHT.field;
      const out = this.field(field, record[field.name], pathTo(path, field.name), depth);
      if (out !== undefined) copy[field.name] = out;
    }
    return copy;
  }

  private refuseUnknown(shape: Shape, record: Readonly<Record<string, unknown>>, path: string): void {
    const known = new Set(shape.fields.map((f) => f.name));
    for (const key in record) {
      if (!known.has(key) && record[key] !== undefined)
        this.refuse(pathTo(path, key), 'unknown-field', `is not a field of ${shape.cls.name}`);
    }
  }

  private field(field: FieldShape, value: unknown, path: string, depth: number): unknown {
    // null is a value of JSON
    if (value === undefined || (value === null && (field.kind !== 'json' || field.list))) {
      if (field.optional || field.conditional) {
        if (value === null) this.weight += WEIGHT.null;
        return value;
      }
      return this.refuse(path, 'type', `must be ${field.list ? 'a list' : typeName(field)}, is ${nameOf(value)}`);
    }
    if (!field.list) return this.value(field, value, path, depth);
    if (!Array.isArray(value)) return this.refuse(path, 'type', `must be a list, is ${nameOf(value)}`);
    this.weight += value.length * WEIGHT.item;
    if (this.weight > MESSAGE_WEIGHT_MAX) return undefined;
    return Array.from(value, (item, i) => this.value(field, item, `${path}[${i}]`, depth));
  }

  private value(field: FieldShape, value: unknown, path: string, depth: number): unknown {
    switch (field.kind) {
      case 'object':
        return this.object((field.of as () => Shape)(), value, path, depth + 1);
      case 'union':
        return this.union(field.union as UnionShape, value, path, depth);
      case 'record':
        return this.record(field, value, path, depth);
      case 'date':
        return this.date(value, path);
      case 'json':
        return this.json(value, path);
      default: {
        const fits =
          field.kind === 'scalar'
            ? ['string', 'number', 'boolean'].includes(typeof value)
            : typeof value === field.kind;
        if (!fits) return this.refuse(path, 'type', `must be ${typeName(field)}, is ${nameOf(value)}`);
        if (typeof value === 'number') return this.number(value, path);
        this.weight += typeof value === 'string' ? value.length : WEIGHT.boolean;
        return value;
      }
    }
  }

  private union({ property, variants }: UnionShape, value: unknown, path: string, depth: number): object | undefined {
    if (typeof value !== 'object' || value === null)
      return this.refuse(path, 'type', `must be ${variantsOf(variants)}, is ${nameOf(value)}`);
    const name = (value as Readonly<Record<string, unknown>>)[property];
    const variant = typeof name === 'string' ? variants.get(name) : undefined;
    if (variant) return this.object(variant(), value, path, depth + 1);
    const names = [...variants.keys()].map((each) => `'${each}'`).join(', ');
    return this.refuse(pathTo(path, property), 'discriminator', `must be one of ${names}, is ${nameOf(name)}`);
  }

  private record({ values }: FieldShape, value: unknown, path: string, depth: number): object | undefined {
    if (typeof value !== 'object' || value === null || !isPlainObject(value))
      return this.refuse(path, 'type', `must be a plain object, is ${nameOf(value)}`);
    this.weight += WEIGHT.object;
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const item = (value as Readonly<Record<string, unknown>>)[key];
      if (item === undefined) continue;
      const at = pathTo(path, key);
      // assigned, it would be the prototype of what is made of it
      if (key === '__proto__') return this.refuse(at, 'type', 'must not be named __proto__');
      this.weight += key.length + WEIGHT.field;
      if (this.weight > MESSAGE_WEIGHT_MAX) return undefined;
      const out = this.value(values as FieldShape, item, at, depth);
      if (typeof out === 'object' && out !== null) this.inRecords.push({ path: at, object: out });
      copy[key] = out;
    }
    return copy;
  }

  private json(value: unknown, path: string): unknown {
    // the whole is refused, and says so
    if (this.weight > MESSAGE_WEIGHT_MAX) return undefined;
    const json = new JsonCopy();
    const copy = json.copy(value);
    this.weight += json.weight;
    return json.flaw ? this.refuse(`${path}${json.flaw.path}`, 'type', json.flaw.message) : copy;
  }

  private number(value: number, path: string): number | undefined {
    if (!Number.isFinite(value)) return this.refuse(path, 'type', `must be a finite number, is ${value}`);
    this.weight += WEIGHT.number;
    return value + 0;
  }

  private date(value: unknown, path: string): Date | undefined {
    const inMemory = this.source === 'memory';
    const fits = inMemory
      ? value instanceof Date && Object.getPrototypeOf(value) === Date.prototype
      : typeof value === 'string' && DATE_TEXT.test(value);
    const date = fits ? new Date(value as Date | string) : undefined;
    if (!date || !Number.isFinite(date.getTime())) {
      return this.refuse(path, 'type', `must be a valid ${inMemory ? 'Date' : 'RFC 3339 date'}, is ${nameOf(value)}`);
    }
    this.weight += WEIGHT.date;
    return date;
  }
}

/** What a value of the field, or an item of its list, must be. */
function typeName(field: FieldShape): string {
  if (field.kind === 'scalar') return 'a string, number or boolean';
  if (field.kind === 'json') return 'a JSON value';
  if (field.kind === 'record') return 'a plain object';
  if (field.union) return variantsOf(field.union.variants);
  return a(field.of ? field.of().cls.name : field.kind);
}

function variantsOf(variants: UnionShape['variants']): string {
  return [...variants.values()].map((variant) => a(variant().cls.name)).join(' or ');
}

function a(name: string): string {
  return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return a(classNameOf(value) ?? 'bare object');
  if (typeof value === 'string') return value.length > 32 ? 'a string' : `'${value}'`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}

import { getMetadataStorage } from 'class-validator';
import {
  IS_JSON_VALUE,
  IS_RECORD_OF,
  isPlainObject,
  nestedShapes,
  type UnionShape,
  type Class,
  type Constraint,
  type FieldShape,
  JsonCopy,
  type Shape,
  type UnknownFields,
  MESSAGE_DEPTH_MAX,
  MESSAGE_WEIGHT_MAX,
  WEIGHT,
} from '../contract/index.js';
import { dateOf } from './date-text.js';
import { isPlainUuid } from './uuid.js';

/**
 * Checks a value against a shape and copies it into real instances in one pass. Returns `undefined` for anything
 * unusual, which need not be wrong: explain.ts decides. The generated code is straight-line, without closures, one
 * function per class, as in Fastify's serialisers and Ajv's validators.
 */
export type FastCopy = (value: unknown) => object | undefined;

/** How the source represents dates: as `Date` in memory, as RFC 3339 text in JSON. */
export type Source = 'memory' | 'json';

/** Compiles the fast path of a shape, once per contract. In `open` mode the code does not count fields. */
export function compileCopy(shape: Shape, source: Source, unknownFields: UnknownFields = 'exact'): FastCopy {
  const unit = new CopySource(source, unknownFields);
  const root = unit.classFunction(shape);
  const body = `'use strict';
let weight = 0, depth = 0;
${unit.functions.join('\n')}
return function copy(value) {
  weight = 0; depth = 0;
  const out = ${root}(value);
  return weight > ${MESSAGE_WEIGHT_MAX} ? undefined : out;
};`;
  // The only input is class metadata of the program itself; names are written as JSON string literals.
  const make = new Function('k', 'dateOf', 'uuid', 'json', 'plain', body) as (
    k: readonly unknown[],
    date: typeof dateOf,
    uuid: typeof isPlainUuid,
    json: JsonCopy,
    plain: typeof isPlainObject,
  ) => FastCopy;
  return make(unit.constants, dateOf, isPlainUuid, new JsonCopy(), isPlainObject);
}

class CopySource {
  readonly functions: string[] = [];
  readonly constants: unknown[] = [];
  private readonly names = new Map<Shape, string>();

  constructor(
    private readonly source: Source,
    private readonly unknownFields: UnknownFields,
  ) {}

  private constant(value: unknown): string {
    return `k[${this.constants.push(value) - 1}]`;
  }

  classFunction(shape: Shape): string {
    const known = this.names.get(shape);
    if (known) return known;
    const name = `c${this.names.size}`;
    this.names.set(shape, name);
    const index = this.functions.push('') - 1;
    const cls = this.constant(shape.cls);
    const checks = shape.fields.map((field, i) => this.field(field, i)).join('\n');
    const count = this.unknownFields === 'exact' ? countOf(shape) : NO_COUNT;
    const fixedWeight = shape.fields.reduce<number>(
      (sum, f) => sum + f.name.length + WEIGHT.field + fixedWeightOf(f),
      WEIGHT.object,
    );
    this.functions[index] = `
const C${name} = ${cls};
function N${name}(${shape.fields.map((_, i) => `f${i}`).join(', ')}) {
${shape.fields.map((f, i) => `  ${f.optional ? `if (f${i} !== undefined) ` : ''}this[${JSON.stringify(f.name)}] = f${i};`).join('\n')}
}
N${name}.prototype = C${name}.prototype;
function ${name}(v) {
  if (typeof v !== 'object' || v === null) return undefined;
  const made = v.constructor;
  if (made !== C${name} && made !== Object) return undefined;
${count.before}  weight += ${fixedWeight};
${checks}
${count.after}  const out = new N${name}(${shape.fields.map((_, i) => `f${i}`).join(', ')});
${shape.fields
  .map((field) => this.ownChecks(field))
  .filter(Boolean)
  .join('\n')}
  return out;
}`;
    return name;
  }

  private field(field: FieldShape, i: number): string {
    const f = `f${i}`;
    const read = `let ${f} = v[${JSON.stringify(field.name)}];`;
    const body = field.list
      ? this.list(field, f)
      : this.value(
          field,
          f,
          field.constraints.filter((c) => !c.own),
        );
    // `@ValidateIf` and the like read the whole object: left to class-validator.
    const guarded = field.conditional ? 'return undefined;' : body;
    return field.optional
      ? `  ${read}\n  if (${f} === null) weight += ${WEIGHT.null}; else if (${f} !== undefined) {\n${guarded}\n  }`
      : `  ${read}\n${guarded}`;
  }

  /**
   * Custom checks may look at other fields, so they get the complete copy, with its dates and classes, as
   * class-validator's engine would show it.
   */
  private ownChecks(field: FieldShape): string {
    const x = `out[${JSON.stringify(field.name)}]`;
    const tests = field.constraints
      .filter((c) => c.own)
      .map((c) => {
        const test = this.constant(generalTest(c, field));
        return c.each
          ? `for (const e of ${x}) if (!${test}(e, out)) return undefined;`
          : `if (!${test}(${x}, out)) return undefined;`;
      });
    if (tests.length === 0 || field.conditional) return '';
    return field.optional
      ? `  if (${x} !== undefined && ${x} !== null) {\n${tests.join('\n')}\n  }`
      : `  ${tests.join('\n  ')}`;
  }

  private list(field: FieldShape, f: string): string {
    const builtIn = field.constraints.filter((c) => !c.own);
    const whole = builtIn
      .filter((c) => !c.each)
      .map((c) => this.constraint(c, f, 'list', field))
      .filter(Boolean);
    const item = this.value(
      field,
      'e',
      builtIn.filter((c) => c.each),
    );
    return `  if (!Array.isArray(${f})) return undefined;
${whole.map((test) => `  if (!(${test})) return undefined;`).join('\n')}
  const n${f} = ${f}.length, l${f} = [];
  weight += n${f} * ${WEIGHT.item};
  if (weight > ${MESSAGE_WEIGHT_MAX}) return undefined;
  for (let i = 0; i < n${f}; i++) {
    let e = ${f}[i];
${item}
    l${f}.push(e);
  }
  ${f} = l${f};`;
  }

  private value(field: FieldShape, x: string, constraints: readonly Constraint[]): string {
    const tests = constraints
      .map((c) => this.constraint(c, x, field.kind, field))
      .filter(Boolean)
      .map((test) => `  if (!(${test})) return undefined;`);
    const all = tests.join('\n');
    // The weight that all instances share is added once, for the class.
    const weigh = (weight: number): string => (fixedWeightOf(field) > 0 ? '' : `  weight += ${weight};\n`);
    switch (field.kind) {
      case 'string':
        return `  if (typeof ${x} !== 'string') return undefined;\n  weight += ${x}.length;\n${all}`;
      case 'number':
        // JSON turns -0 into 0, so it becomes 0 everywhere.
        return `  if (typeof ${x} !== 'number' || !Number.isFinite(${x})) return undefined;\n${weigh(WEIGHT.number)}${all}\n  ${x} = ${x} + 0;`;
      case 'boolean':
        return `  if (typeof ${x} !== 'boolean') return undefined;\n${weigh(WEIGHT.boolean)}${all}`;
      case 'scalar':
        return `  if (typeof ${x} === 'string') weight += ${x}.length;
  else if (typeof ${x} === 'number' && Number.isFinite(${x})) { weight += ${WEIGHT.number}; ${x} = ${x} + 0; }
  else if (typeof ${x} === 'boolean') weight += ${WEIGHT.boolean};
  else return undefined;\n${all}`;
      case 'json':
        return `  ${x} = json.copy(${x});\n  if (${x} === undefined) return undefined;\n  weight += json.weight;\n  if (weight > ${MESSAGE_WEIGHT_MAX}) return undefined;\n${all}`;
      case 'date':
        return this.date(x, weigh(WEIGHT.date) + all);
      case 'object':
        // Checks on the object see the copy, which has only the fields of its class.
        return `${this.nested((field.of as () => Shape)(), x)}\n${all}`;
      case 'union':
        return `${this.union(field.union as UnionShape, x)}\n${all}`;
      case 'record':
        return `${this.record(field.values as FieldShape, x)}\n${all}`;
    }
  }

  private nested(shape: Shape, x: string): string {
    const copied = `  ${x} = ${this.classFunction(shape)}(${x});\n  if (${x} === undefined) return undefined;`;
    return reaches(shape, shape)
      ? `  if (++depth > ${MESSAGE_DEPTH_MAX}) return undefined;\n${copied}\n  depth--;`
      : copied;
  }

  private union({ property, variants }: UnionShape, x: string): string {
    const cases = [...variants].map(
      ([name, of]) => `  case ${JSON.stringify(name)}: {\n${this.nested(of(), x)}\n  break; }`,
    );
    return `  if (typeof ${x} !== 'object' || ${x} === null) return undefined;
  switch (${x}[${JSON.stringify(property)}]) {
${cases.join('\n')}
  default: return undefined; }`;
  }

  private record(values: FieldShape, x: string): string {
    return `  if (typeof ${x} !== 'object' || ${x} === null || !plain(${x})) return undefined;
  weight += ${WEIGHT.object};
  { const record = {};
  for (const key of Object.keys(${x})) {
    let w = ${x}[key];
    if (w === undefined) continue;
    if (key === '__proto__') return undefined;
    weight += key.length + ${WEIGHT.field};
    if (weight > ${MESSAGE_WEIGHT_MAX}) return undefined;
${this.value(values, 'w', [])}
    record[key] = w;
  }
  ${x} = record; }`;
  }

  private date(x: string, tests: string): string {
    const take =
      this.source === 'memory'
        ? `  if (!(${x} instanceof Date) || ${x}.constructor !== Date) return undefined;\n  ${x} = new Date(${x}.getTime());`
        : `  if (typeof ${x} !== 'string' || (${x} = dateOf(${x})) === undefined) return undefined;`;
    return `${take}\n  if (!Number.isFinite(${x}.getTime())) return undefined;\n${tests}`;
  }

  /** A test as an expression; empty if the check of the kind already covers it. */
  private constraint(c: Constraint, x: string, kind: FieldShape['kind'] | 'list', field: FieldShape): string {
    const [a, b] = c.args;
    const numeric = typeof a === 'number' && Number.isFinite(a) ? a : undefined;
    switch (c.name) {
      case 'isString':
        return kind === 'string' ? '' : `typeof ${x} === 'string'`;
      case 'isBoolean':
        return kind === 'boolean' ? '' : `typeof ${x} === 'boolean'`;
      case 'isDate':
        return kind === 'date' ? '' : this.general(c, x, field);
      case 'isInt':
        return `Number.isInteger(${x})`;
      case IS_JSON_VALUE:
        return kind === 'json' ? '' : this.general(c, x, field);
      case IS_RECORD_OF:
        return kind === 'record' ? '' : this.general(c, x, field);
      case 'isDefined':
        return `${x} !== undefined && ${x} !== null`;
      case 'isNotEmpty':
        return `${x} !== '' && ${x} !== null && ${x} !== undefined`;
      case 'isArray':
        return kind === 'list' ? '' : this.general(c, x, field);
      case 'min':
        return numeric !== undefined && kind === 'number' ? `${x} >= ${numeric}` : this.general(c, x, field);
      case 'max':
        return numeric !== undefined && kind === 'number' ? `${x} <= ${numeric}` : this.general(c, x, field);
      case 'isPositive':
        return kind === 'number' ? `${x} > 0` : this.general(c, x, field);
      case 'arrayMinSize':
        return numeric !== undefined && kind === 'list' ? `${x}.length >= ${numeric}` : this.general(c, x, field);
      case 'arrayMaxSize':
        return numeric !== undefined && kind === 'list' ? `${x}.length <= ${numeric}` : this.general(c, x, field);
      case 'arrayNotEmpty':
        return kind === 'list' ? `${x}.length > 0` : this.general(c, x, field);
      // class-validator counts a surrogate pair as one character: its own function decides what this cheap bound
      // cannot.
      case 'maxLength':
        return numeric !== undefined && kind === 'string'
          ? `(${x}.length <= ${numeric} || ${this.general(c, x, field)})`
          : this.general(c, x, field);
      case 'minLength':
        return numeric !== undefined && kind === 'string'
          ? `(${x}.length >= ${numeric * 2} || ${this.general(c, x, field)})`
          : this.general(c, x, field);
      case 'isLength':
        return numeric !== undefined && typeof b === 'number' && kind === 'string'
          ? `((${x}.length >= ${numeric * 2} && ${x}.length <= ${b}) || ${this.general(c, x, field)})`
          : this.general(c, x, field);
      case 'isUuid':
        return kind === 'string' && (a === undefined || a === 'all' || a === '4' || a === 4)
          ? `(uuid(${x}, ${a === '4' || a === 4 ? 4 : 0}) || ${this.general(c, x, field)})`
          : this.general(c, x, field);
      case 'isIn':
        return Array.isArray(a) && a.length <= 8 && a.every((v) => typeof v === 'string')
          ? `(${a.map((v) => `${x} === ${JSON.stringify(v)}`).join(' || ') || 'false'})`
          : this.general(c, x, field);
      default:
        return this.general(c, x, field);
    }
  }

  /** Any other check: calls class-validator's function directly, without its engine. */
  private general(c: Constraint, x: string, field: FieldShape): string {
    const test = this.constant(generalTest(c, field));
    return `${test}(${x}, v)`;
  }
}

/** Code that detects fields outside the class: it counts the fields before the checks and compares afterwards. */
interface Count {
  readonly before: string;
  readonly after: string;
}

const NO_COUNT: Count = { before: '', after: '' };

function countOf({ fields }: Shape): Count {
  const required = fields.filter((f) => !f.optional).length;
  const optionals = fields.flatMap((f, i) => (f.optional ? [`(f${i} !== undefined ? 1 : 0)`] : []));
  const known = [required, ...optionals].join(' + ');
  return {
    before: '  let keys = 0;\n  for (const key in v) keys++;\n',
    after: `  if (keys !== ${known}) {
    // A field that is there and undefined is as good as absent.
    for (const key in v) if (v[key] === undefined) keys--;
    if (keys !== ${known}) return undefined;
  }
`,
  };
}

function generalTest(c: Constraint, field: FieldShape): (value: unknown, object: object) => boolean {
  const found = getMetadataStorage().getTargetValidatorConstraints(c.metadata.constraintCls);
  const passes = (value: unknown, object: object): boolean =>
    found.every(
      (constraint) =>
        constraint.instance.validate(value, {
          value,
          object,
          property: field.name,
          constraints: c.args as unknown[],
          targetName: (object.constructor as Class | undefined)?.name ?? '',
        }) === true,
    );
  return (value, object) => {
    try {
      return passes(value, object);
    } catch {
      // A check that throws decides nothing here: explain.ts reports it.
      return false;
    }
  };
}

/** What a field adds to the weight of every instance; 0 if that depends on the value. */
function fixedWeightOf(field: FieldShape): number {
  if (field.optional || field.list || field.conditional) return 0;
  return field.kind === 'number' || field.kind === 'boolean' || field.kind === 'date' ? WEIGHT[field.kind] : 0;
}

/** Whether a shape contains `target`, directly or deeper: only shapes that contain themselves can be cyclic. */
function reaches(shape: Shape, target: Shape, seen = new Set<Shape>()): boolean {
  if (seen.has(shape)) return false;
  seen.add(shape);
  return shape.fields.flatMap(nestedShapes).some((nested) => nested === target || reaches(nested, target, seen));
}

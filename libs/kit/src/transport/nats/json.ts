import { type Class, type FieldShape, type ResultType, type Shape, shapeOf } from '../../contract/index.js';

/** Writes a value as JSON text: what `JSON.stringify` writes of it, but for the order of fields. */
export type JsonWriter = (value: unknown) => string;

/**
 * A writer for values that came out of a codec's `copy`: real, checked instances of the class, with nothing but its fields.
 * Compiled once a contract, as in fast-json-stringify, at a third of the time of `JSON.stringify`.
 */
export function messageWriter(cls: Class): JsonWriter {
  const unit = new Unit();
  return unit.compile(`${unit.classFunction(shapeOf(cls))}(value)`);
}

/** A writer for results that came out of a codec's `copy`; none is the empty text. */
export function resultWriter(type: ResultType): JsonWriter {
  if (type === undefined) return () => '';
  if (type === String || type === Number || type === Boolean) return (value) => JSON.stringify(value);
  if (!Array.isArray(type)) return messageWriter(type as Class);
  const unit = new Unit();
  return unit.compile(unit.list('value', `${unit.classFunction(shapeOf(type[0] as Class))}(e)`));
}

// Longer texts are searched and written by JSON.stringify in one go.
const PLAIN_CHARS_MAX = 256;
const ESCAPED = /[\u0000-\u001f"\\\ud800-\udfff]/;

function quoted(text: string): string {
  return text.length > PLAIN_CHARS_MAX || ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

function listed<T>(list: readonly T[], write: (item: T) => string): string {
  if (list.length === 0) return '[]';
  let out = `[${write(list[0] as T)}`;
  for (let i = 1; i < list.length; i++) out += `,${write(list[i] as T)}`;
  return `${out}]`;
}

class Unit {
  private readonly functions: string[] = [];
  private readonly names = new Map<Shape, string>();

  compile(body: string): JsonWriter {
    // The only inputs are class metadata of the program itself; names are written as JSON string literals.
    const make = new Function('quoted', 'listed', `'use strict';\n${this.functions.join('\n')}\nreturn function write(value) { return ${body}; };`) as (q: typeof quoted, l: typeof listed) => JsonWriter;
    return make(quoted, listed);
  }

  list(list: string, item: string): string {
    return `listed(${list}, (e) => ${item})`;
  }

  classFunction(shape: Shape): string {
    const known = this.names.get(shape);
    if (known) return known;
    const name = `j${this.names.size}`;
    this.names.set(shape, name);
    const index = this.functions.push('') - 1;
    const isAlways = (field: FieldShape): boolean => !field.optional && !field.conditional;
    const always = shape.fields.filter(isAlways).map((field) => `${label(field)}${this.field(field)}`);
    const maybe = shape.fields.filter((field) => !isAlways(field)).map((field) => {
      const f = `v[${JSON.stringify(field.name)}]`;
      return `  if (${f} !== undefined) { out += (out === '{' ? '' : ',') + ${label(field)}(${f} === null ? 'null' : ${this.field(field)}); }`;
    });
    const start = always.length > 0 ? `'{' + ${always.join(" + ',' + ")}` : "'{'";
    this.functions[index] = maybe.length === 0 ? `function ${name}(v) { return ${start} + '}'; }` : `function ${name}(v) {\n  let out = ${start};\n${maybe.join('\n')}\n  return out + '}';\n}`;
    return name;
  }

  private field(field: FieldShape): string {
    const f = `v[${JSON.stringify(field.name)}]`;
    return field.list ? this.list(f, this.value(field, 'e')) : this.value(field, f);
  }

  private value(field: FieldShape, x: string): string {
    switch (field.kind) {
      case 'string':
        return isPlain(field) ? `'"' + ${x} + '"'` : `quoted(${x})`;
      case 'number':
      case 'boolean':
        return `${x}`;
      case 'date':
        return `'"' + ${x}.toISOString() + '"'`;
      case 'object':
        return `${this.classFunction((field.of as () => Shape)())}(${x})`;
      default:
        return `JSON.stringify(${x})`;
    }
  }
}

/** Whether the copy has made sure that there are only hexadecimal digits and hyphens in it. */
function isPlain(field: FieldShape): boolean {
  return !field.conditional && field.constraints.some((c) => c.name === 'isUuid' && !c.own && c.each === field.list);
}

/** A field's name and colon, as a literal with which an expression starts. */
function label(field: FieldShape): string {
  return `${JSON.stringify(`${JSON.stringify(field.name)}:`)} + `;
}

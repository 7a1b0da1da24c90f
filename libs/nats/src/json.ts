import {
  type Class,
  type FieldShape,
  isForm,
  isNullable,
  type ResultType,
  type Shape,
  shapeOf,
} from '@fledge/kit/contract';
import { dateText } from '@fledge/kit/transport';

/** Writes a value as JSON text: like `JSON.stringify`, except for the order of fields. */
export type JsonWriter = (value: unknown) => string;

/**
 * A writer for values that a codec's `copy` returned: validated instances of the class, with only its fields. Compiled
 * once per contract, as in fast-json-stringify, at a third of the time of `JSON.stringify`.
 */
export function messageWriter(cls: Class): JsonWriter {
  const unit = new WriterSource();
  return unit.compile(`${unit.classFunction(shapeOf(cls))}(value)`);
}

/** A writer for results that a codec's `copy` returned; no result is the empty string. */
export function resultWriter(type: ResultType): JsonWriter {
  if (type === undefined) return () => '';
  if (isNullable(type)) {
    const write = resultWriter(type.nullable);
    return (value) => (value === null ? 'null' : write(value));
  }
  if (type === String || type === Number || type === Boolean) return (value) => JSON.stringify(value);
  if (isForm(type)) return (value) => JSON.stringify(value);
  if (!Array.isArray(type)) return messageWriter(type as Class);
  if (type[0] === String || type[0] === Number || type[0] === Boolean || isForm(type[0]))
    return (value) => JSON.stringify(value);
  const unit = new WriterSource();
  const list = unit.listFunction(new Template().expression(`${unit.classFunction(shapeOf(type[0] as Class))}(e)`));
  return unit.compile(`'[' + ${list}(value) + ']'`);
}

// JSON.stringify is faster for longer strings.
const PLAIN_CHARS_MAX = 256;
const ESCAPED = /[\u0000-\u001f"\\\ud800-\udfff]/;

function quoted(text: string): string {
  return text.length > PLAIN_CHARS_MAX || ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/**
 * Text with expressions in it. Adjacent constant pieces are merged: each piece takes memory of its own until all are
 * joined when the text is sent.
 */
class Template {
  private readonly parts: { readonly code: string; readonly constant?: string }[] = [];

  text(constant: string): this {
    const last = this.parts.at(-1)?.constant;
    if (last !== undefined) this.parts.pop();
    const whole = (last ?? '') + constant;
    this.parts.push({ code: JSON.stringify(whole), constant: whole });
    return this;
  }

  expression(code: string): this {
    this.parts.push({ code });
    return this;
  }

  /** The expression that builds the text. */
  get code(): string {
    return this.parts.map(({ code }) => code).join(' + ');
  }
}

class WriterSource {
  private readonly functions: string[] = [];
  private readonly names = new Map<Shape, string>();

  compile(body: string): JsonWriter {
    // The only input is class metadata of the program itself; names are written as JSON string literals.
    const make = new Function(
      'quoted',
      'dateText',
      `'use strict';\n${this.functions.join('\n')}\nreturn function write(value) { return ${body}; };`,
    ) as (q: typeof quoted, d: typeof dateText) => JsonWriter;
    return make(quoted, dateText);
  }

  /** The name of a generated function that writes a list, each item with `item`. */
  listFunction(item: Template): string {
    const name = `l${this.functions.length}`;
    this.functions.push(`function ${name}(list) {
  let out = '';
  for (let i = 0; i < list.length; i++) {
    const e = list[i];
    out += i === 0 ? ${item.code} : ',' + ${item.code};
  }
  return out;
}`);
    return name;
  }

  classFunction(shape: Shape): string {
    const known = this.names.get(shape);
    if (known) return known;
    const name = `j${this.names.size}`;
    this.names.set(shape, name);
    const index = this.functions.push('') - 1;
    const isAlways = (field: FieldShape): boolean => !field.optional && !field.conditional;
    const start = new Template().text('{');
    shape.fields
      .filter(isAlways)
      .forEach((field, i) => this.field(field, start.text(`${i === 0 ? '' : ','}${JSON.stringify(field.name)}:`)));
    const maybe = shape.fields
      .filter((field) => !isAlways(field))
      .map((field) => {
        const f = `v[${JSON.stringify(field.name)}]`;
        const label = JSON.stringify(`${JSON.stringify(field.name)}:`);
        return `  if (${f} !== undefined) out += (out === '{' ? '' : ',') + ${label} + (${f} === null ? 'null' : ${this.field(field, new Template()).code});`;
      });
    this.functions[index] =
      maybe.length === 0
        ? `function ${name}(v) { return ${start.text('}').code}; }`
        : `function ${name}(v) {\n  let out = ${start.code};\n${maybe.join('\n')}\n  return out + '}';\n}`;
    return name;
  }

  private field(field: FieldShape, into: Template): Template {
    const f = `v[${JSON.stringify(field.name)}]`;
    if (!field.list) return this.value(field, f, into);
    return into
      .text('[')
      .expression(`${this.listFunction(this.value(field, 'e', new Template()))}(${f})`)
      .text(']');
  }

  private value(field: FieldShape, x: string, into: Template): Template {
    switch (field.kind) {
      case 'string':
        return isPlain(field) ? into.text('"').expression(x).text('"') : into.expression(`quoted(${x})`);
      case 'number':
      case 'boolean':
        // between numbers, `+` would add
        return into.text('').expression(x);
      case 'date':
        return into.text('"').expression(`dateText(${x})`).text('"');
      case 'object':
        return into.expression(`${this.classFunction((field.of as () => Shape)())}(${x})`);
      default:
        return into.expression(`JSON.stringify(${x})`);
    }
  }
}

/** Whether the copy has verified that the value has only hexadecimal digits and hyphens. */
function isPlain(field: FieldShape): boolean {
  return !field.conditional && field.constraints.some((c) => c.name === 'isUuid' && !c.own && c.each === field.list);
}

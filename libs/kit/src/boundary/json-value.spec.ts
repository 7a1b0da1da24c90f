import { IsInt, IsOptional, IsString, validateSync } from 'class-validator';
import { InvalidMessage, IsJsonValue, jsonSchemaOf, type JsonValue } from '../contract/index.js';
import { classCodec } from './codec.js';

class Settings {
  @IsInt() version!: number;
  @IsJsonValue() values!: JsonValue;
  @IsOptional() @IsJsonValue() more?: JsonValue;
  @IsJsonValue({ each: true }) rows!: JsonValue[];
}

const codec = classCodec('settings', Settings);
const settings = (values: unknown, rest: object = {}): object => ({ version: 1, values, rows: [], ...rest });
const values = (value: unknown): unknown => (codec.copy(settings(value)) as Settings).values;

function flawOf(work: () => unknown): object {
  try {
    work();
  } catch (error) {
    if (error instanceof InvalidMessage) return error.violations[0] as object;
    throw error;
  }
  throw new Error('it was not refused');
}

it.each([
  ['null', null],
  ['false', false],
  ['a number', 1.5],
  ['text', 'ß \u0000 \ud800'],
  ['a list', [1, [null, 'x'], {}]],
  ['an object', { a: { b: [true] }, toString: 1, constructor: null }],
])('takes %s, from memory and from JSON', (_, value) => {
  expect(values(value)).toEqual(value);
  const json: unknown = JSON.parse(JSON.stringify(codec.copy(settings(value, { more: value, rows: [value] }))));
  expect(codec.decode(json)).toEqual(Object.assign(new Settings(), settings(value, { more: value, rows: [value] })));
});

it('copies, leaves out what is undefined, and makes 0 of -0', () => {
  const value = { list: [{ a: 1 }], gone: undefined, zero: -0 };
  const copy = values(value) as { list: { a: number }[]; zero: number };
  (value.list[0] as { a: number }).a = 2;
  expect(copy).toEqual({ list: [{ a: 1 }], zero: 0 });
  expect(Object.is(copy.zero, 0)).toBe(true);
  expect('gone' in copy).toBe(false);
  expect(values(Object.assign(Object.create(null) as object, { a: 1 }))).toEqual({ a: 1 });
});

const cycle: unknown[] = [];
cycle.push(cycle);

it.each<[string, unknown, string, RegExp]>([
  ['nothing', undefined, 'values', /must be a JSON value, is undefined/],
  ['a date', { at: new Date(0) }, 'values.at', /is an instance of Date/],
  ['a map', new Map(), 'values', /is an instance of Map/],
  ['an instance of a class', [new Settings()], 'values[0]', /is an instance of Settings/],
  ['a function', [() => 1], 'values[0]', /is function/],
  ['a bigint', { n: 1n }, 'values.n', /is bigint/],
  ['NaN', [0, NaN], 'values[1]', /finite/],
  ['a hole in a list', [1, undefined], 'values[1]', /is undefined/],
  ['a cycle', cycle, `values${'[0]'.repeat(64)}`, /is it a cycle/],
  ['the key __proto__', JSON.parse('{"a":{"__proto__":{"admin":true}}}'), 'values.a.__proto__', /__proto__/],
])('refuses %s, and says where', (_, value, path, message) => {
  expect(flawOf(() => values(value))).toMatchObject({ path, message: expect.stringMatching(message) });
});

it('weighs as other fields do', () => {
  expect(flawOf(() => values('x'.repeat(170_000)))).toMatchObject({ rule: 'too-large' });
  expect(flawOf(() => values(Array.from({ length: 200_000 }, () => 1)))).toMatchObject({ path: '', rule: 'too-large' });
  expect(
    flawOf(() => codec.copy(settings(null, { rows: Array.from({ length: 60 }, () => 'x'.repeat(3_000)) }))),
  ).toMatchObject({
    rule: 'too-large',
  });
});

it('ends at the weight, however much is left', () => {
  const long = Array.from({ length: 6_000 }, () => 1);
  let reads = 0;
  const rows = Array.from(
    { length: 2_000 },
    () => new Proxy(long, { get: (list, key) => (reads++, Reflect.get(list, key)) }),
  );
  expect(flawOf(() => codec.copy(settings(null, { rows })))).toMatchObject({ rule: 'too-large' });
  expect(reads).toBeLessThan(100_000);
});

it('takes objects of no class, as query strings are parsed to, and refuses those of a class without a name', () => {
  const query = Object.assign(Object.create(Object.freeze(Object.create(null))) as object, { a: '1' });
  expect(values(query)).toEqual({ a: '1' });
  expect(flawOf(() => values(Object.create({ constructor: null }) as object))).toMatchObject({
    message: expect.stringContaining('no plain object'),
  });
});

it('decides what the field is, before and after other decorators', () => {
  class Before {
    @IsJsonValue() @IsString({ each: true }) tags!: JsonValue;
  }
  class After {
    @IsString({ each: true }) @IsJsonValue() tags!: JsonValue;
  }
  for (const cls of [Before, After]) {
    const { copy } = classCodec('tags', cls);
    expect(copy({ tags: ['x'] })).toEqual(Object.assign(new cls(), { tags: ['x'] }));
    expect(flawOf(() => copy({ tags: [1] }))).toMatchObject({ rule: 'isString' });
  }
});

it('is checked by class-validator as well, as a body of HTTP is', () => {
  expect(validateSync(Object.assign(new Settings(), settings({ a: [1] })))).toEqual([]);
  expect(validateSync(Object.assign(new Settings(), settings(new Date())))).toMatchObject([
    { property: 'values', constraints: { jsonValue: 'values must be a JSON value' } },
  ]);
});

it('is anything in the schema', () => {
  expect(jsonSchemaOf(Settings)).toMatchObject({
    properties: { values: {}, rows: { type: 'array', items: {} } },
    required: ['version', 'values', 'rows'],
  });
});

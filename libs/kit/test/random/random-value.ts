import fc from 'fast-check';

/** What a field that is no object of a contract holds. */
export type PlainKind = 'string' | 'number' | 'boolean' | 'date' | 'scalar';

/** Makes a value anew each time, since inputs must not share. */
export type Value = () => unknown;

/** What an input may hold for a field: as one value, and as a list. For an object only the length of the list counts. */
export type Candidate = readonly [one: Value, list: readonly Value[]];

const STRINGS = [
  'abc',
  'a',
  'ab',
  'abcd',
  'red',
  'green',
  '',
  ' ',
  '13',
  '7',
  '1.5',
  'A',
  'ABC',
  'zebra',
  '😀',
  '😀😀',
  'a😀',
  '😀😀😀😀',
  'e\u0301',
  '\ud800',
  'x\ufe0f',
  'EUR',
  'eur',
  '#fff',
  '{"a":1}',
  '"q"',
  'a@b.example',
  'http://a.example/x?y=1',
  '2026-01-31',
  '2026-02-30T00:00:00Z',
  'x'.repeat(50),
  'toString',
  '__proto__',
  '6f9619ff-8b86-4d01-b42d-00c04fc964ff',
  '6F9619FF-8B86-4D01-B42D-00C04FC964FF',
  '018f3c1e-7b2a-7cc0-9a51-0123456789ab',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '6f9619ff-8b86-9d01-b42d-00c04fc964ff',
  '6f9619ff-8b86-4d01-c42d-00c04fc964ff',
  '6f9619ff8b864d01b42d00c04fc964ff',
];
const NUMBERS = [
  0,
  -0,
  1,
  2,
  2.5,
  3,
  5,
  5.000001,
  13,
  -1,
  -1.5,
  -2,
  0.1,
  1.005,
  1e6,
  1e21,
  1e-7,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_VALUE,
];
const DATES = [
  '1970-01-01T00:00:00.000Z',
  '1969-12-31T23:59:59.999Z',
  '2026-11-23T06:00:00.123Z',
  '2030-01-01T00:00:00.001Z',
  '-000001-01-01T00:00:00.000Z',
  '+275760-09-13T00:00:00.000Z',
];

/** What fits nowhere, or only by its looks. */
const JUNK: readonly Value[] = [
  () => undefined,
  () => null,
  () => NaN,
  () => Infinity,
  () => -Infinity,
  () => new Date(NaN),
  () => new Date(0),
  () => [],
  () => [[]],
  () => ({}),
  () => ({ f0: 'abc' }),
  () => 'abc',
  () => '5',
  () => 5,
  () => true,
  () => 0n,
  () => Symbol('s'),
  () => new Map(),
  () => new Set(['abc']),
  () => new String('abc'),
  () => new Number(1),
  () => Object.create(null) as unknown,
  () => new Date(),
  () => /a/,
  () => new Error('x'),
  () => [undefined],
  () => [null],
  () => new Array<unknown>(2),
  () => new Uint8Array(2),
  () => ({ length: 1, 0: 'abc' }),
];

const CANDIDATES_MAX = 8;

/** True in so many of a hundred cases; a counterexample has `false` where it can. */
export function seldom(percent: number): fc.Arbitrary<boolean> {
  return fc.oneof(
    { withCrossShrink: true },
    { arbitrary: fc.constant(false), weight: 100 - percent },
    { arbitrary: fc.constant(true), weight: percent },
  );
}

/** What fits nowhere, or only by its looks. */
export const junk = fc.constantFrom(...JUNK);

const VALUES: Readonly<Record<PlainKind, fc.Arbitrary<Value>>> = {
  string: mostly(STRINGS, fc.oneof(fc.string({ unit: 'binary' }), fc.uuid())).map((value) => () => value),
  number: mostly(NUMBERS, fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))).map(
    (value) => () => value,
  ),
  boolean: fc.boolean().map((value) => () => value),
  date: mostly(
    DATES.map((text) => Date.parse(text)),
    fc.date({ noInvalidDate: true }).map((date) => date.getTime()),
  ).map((ms) => () => new Date(ms)),
  scalar: fc.constantFrom('abc', 1, true, 'red', 'green', 'blue', 2, false).map((value) => () => value),
};

/** A value of some kind or other. */
export const anyValue = fc.oneof(...Object.values(VALUES));

/** Values of the right type, for an input to choose from. */
export function candidates(kind: PlainKind | 'object'): fc.Arbitrary<Candidate[]> {
  const value = kind === 'object' ? fc.constant(() => undefined) : VALUES[kind];
  return fc.array(fc.tuple(value, fc.array(value, { maxLength: 3 })), { minLength: 1, maxLength: CANDIDATES_MAX });
}

/** Values that are edges of some rule, and some others. */
function mostly<T>(edges: readonly T[], others: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof(
    { withCrossShrink: true },
    { arbitrary: fc.constantFrom(...edges), weight: 5 },
    { arbitrary: others, weight: 1 },
  );
}

import { validateSync } from 'class-validator';
import type { Random } from '../../src/compliance/random.js';
import type { Kind, RandomContract, RandomField } from './random-contract.js';

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

/** What fits nowhere, or only by its looks. Made anew each time, since inputs must not share. */
const JUNK: readonly (() => unknown)[] = [
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

/** An input for a contract: mostly one that class-validator takes, often with something spoilt. */
export function randomInput(random: Random, contract: RandomContract): unknown {
  const input = likelyInput(random, contract);
  for (let spoils = random.pick([0, 0, 1, 1, 2, 3]); spoils > 0; spoils--) spoil(random, contract, input);
  if (random.chance(0.02)) return random.pick(JUNK)();
  return input;
}

type Input = Record<string, unknown>;

/** Values of the right types; mostly drawn again, some times over, until class-validator has nothing against them. */
function likelyInput(random: Random, contract: RandomContract): Input {
  const input: Input = random.chance(0.5) ? (Object.create(contract.cls.prototype as object) as Input) : {};
  for (const field of contract.fields) {
    if (!field.optional || random.chance(0.6)) input[field.name] = likelyValue(random, field);
  }
  for (let tries = random.pick([0, 8, 8]); tries > 0; tries--) {
    const wrong = wrongFields(contract, input);
    if (wrong.length === 0) break;
    for (const field of wrong) input[field.name] = likelyValue(random, field);
  }
  return input;
}

function wrongFields(contract: RandomContract, input: Input): readonly RandomField[] {
  try {
    const errors = validateSync(instanceOf(contract, input) as object);
    return contract.fields.filter(({ name }) => errors.some(({ property }) => property === name));
  } catch {
    // Some of class-validator's checks throw for some inputs; which one it was is not told.
    return contract.fields;
  }
}

function likelyValue(random: Random, field: RandomField): unknown {
  if (field.optional && random.chance(0.1)) return null;
  if (!field.list) return one(random, field);
  return Array.from({ length: random.pick([0, 1, 1, 2, 2, 3]) }, () => one(random, field));
}

function one(random: Random, { kind, of }: RandomField): unknown {
  if (of) return likelyInput(random, of);
  return random.pick(POOL[kind as Exclude<Kind, 'object'>])();
}

const POOL: Readonly<Record<Exclude<Kind, 'object'>, readonly (() => unknown)[]>> = {
  string: STRINGS.map((value) => () => value),
  number: NUMBERS.map((value) => () => value),
  boolean: [() => true, () => false],
  date: DATES.map((text) => () => new Date(text)),
  scalar: ['abc', 1, true, 'red', 'green', 'blue', 2, false].map((value) => () => value),
};

function spoil(random: Random, contract: RandomContract, input: Input): void {
  const field = random.pick(contract.fields);
  const value = input[field.name];
  const way = random.next();
  if (way < 0.15) input.extra = random.pick(JUNK)();
  else if (way < 0.25) delete input[field.name];
  else if (field.of && way < 0.6 && typeof value === 'object' && value !== null) {
    const nested: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof nested === 'object' && nested !== null) spoil(random, field.of, nested as Input);
  } else if (Array.isArray(value) && way < 0.7) value[random.below(value.length + 1)] = random.pick(JUNK)();
  else if (way < 0.85) input[field.name] = likelyValue(random, field);
  else input[field.name] = way < 0.9 ? random.pick(Object.values(POOL).flat())() : random.pick(JUNK)();
}

/**
 * The input as class-validator needs it: real instances of the contract's classes, whatever else is in it left as it
 * is.
 */
export function instanceOf(contract: RandomContract, input: unknown): unknown {
  if (!isPlain(contract, input)) return input;
  const instance = Object.assign(Object.create(contract.cls.prototype as object) as Input, input);
  for (const { name, of } of contract.fields) {
    if (!of || !(name in instance)) continue;
    const value = instance[name];
    instance[name] = Array.isArray(value) ? value.map((item) => instanceOf(of, item)) : instanceOf(of, value);
  }
  return instance;
}

/** Whether a value is a bare object or an instance of the contract's class. */
export function isPlain(contract: RandomContract, value: unknown): value is Input {
  if (typeof value !== 'object' || value === null) return false;
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === null || proto === Object.prototype || proto === contract.cls.prototype;
}

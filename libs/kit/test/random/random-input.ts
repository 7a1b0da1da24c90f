import { inspect } from 'node:util';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { contracts, describeContract, type RandomContract, type RandomField } from './random-contract.js';
import { anyValue, junk, type Value } from './random-value.js';

const INPUTS_MAX = 60;

/** A random contract with inputs for it: mostly such as class-validator takes, often with something spoilt. */
export interface RandomCase {
  readonly contract: RandomContract;
  readonly inputs: readonly unknown[];
}

/** How an input is made of its contract's candidates. */
interface Recipe {
  /** Which candidates are tried first. */
  readonly from: number;
  /** Whether candidates are tried until class-validator has nothing against them. */
  readonly fits: boolean;
  /** For each depth, whether objects are instances of their contract, or bare. */
  readonly instances: readonly boolean[];
  readonly spoils: readonly Spoil[];
  /** Put in place of the whole input. */
  readonly instead: Value | undefined;
}

interface Spoil {
  readonly way: 'extra' | 'left out' | 'item' | 'other' | 'junk';
  /** Of which field: one of each depth, as far down as there are. */
  readonly at: readonly number[];
  readonly junk: Value;
  readonly other: Value;
}

const spoils: fc.Arbitrary<Spoil> = fc.record({
  way: fc.constantFrom('left out', 'extra', 'junk', 'other', 'item'),
  at: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 3 }),
  junk,
  other: anyValue,
});

const recipes: fc.Arbitrary<Recipe> = fc.record({
  from: fc.nat({ max: 7 }),
  fits: fc.constantFrom(false, true, true),
  instances: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  spoils: fc.oneof(
    { arbitrary: fc.constant([]), weight: 1 },
    { arbitrary: fc.array(spoils, { maxLength: 3 }), weight: 1 },
  ),
  instead: fc.oneof(
    { withCrossShrink: true },
    { arbitrary: fc.constant(undefined), weight: 98 },
    { arbitrary: junk, weight: 2 },
  ),
});

/** Contracts with inputs. A counterexample is printed as its contract in words, and its inputs. */
export const cases: fc.Arbitrary<RandomCase> = fc
  .tuple(contracts(), fc.array(recipes, { maxLength: INPUTS_MAX, size: 'large' }))
  .map(([contract, all]) => {
    const inputs = all.map((recipe) => inputOf(contract, recipe));
    return { contract, inputs, [fc.toStringMethod]: () => inWords(contract, inputs) };
  });

function inWords(contract: RandomContract, inputs: readonly unknown[]): string {
  return [describeContract(contract), ...inputs.map((input) => inspect(input, { depth: 9 }))].join('\n');
}

type Input = Record<string, unknown>;

function inputOf(contract: RandomContract, recipe: Recipe): unknown {
  if (recipe.instead) return recipe.instead();
  const input = objectOf(contract, recipe, recipe.from, 0);
  for (const spoil of recipe.spoils) applySpoil(contract, input, spoil, 0);
  return input;
}

/** An object of values of the right types; mostly of others, some times over, until class-validator takes them. */
function objectOf(contract: RandomContract, recipe: Recipe, from: number, depth: number): Input {
  const input = recipe.instances[depth] ? (Object.create(contract.cls.prototype as object) as Input) : {};
  for (const field of contract.fields) {
    if (!field.optional || field.presence === 'there') input[field.name] = valueOf(field, recipe, from, depth);
    else if (field.presence === 'null') input[field.name] = null;
  }
  const most = Math.max(...contract.fields.map(({ candidates }) => candidates.length));
  for (let tried = 1; recipe.fits && tried < most; tried++) {
    const wrong = wrongFields(contract, input);
    if (wrong.length === 0) break;
    for (const field of wrong) input[field.name] = valueOf(field, recipe, from + tried, depth);
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

function valueOf({ candidates, list, of }: RandomField, recipe: Recipe, from: number, depth: number): unknown {
  const [one, several] = candidates[from % candidates.length] as RandomField['candidates'][number];
  const made = (value: Value, i: number) => (of ? objectOf(of, recipe, from + i, depth + 1) : value());
  return list ? several.map(made) : made(one, 0);
}

function applySpoil(contract: RandomContract, input: Input, spoil: Spoil, depth: number): void {
  const field = contract.fields[(spoil.at[depth] as number) % contract.fields.length] as RandomField;
  const value = input[field.name];
  const nested: unknown = Array.isArray(value) ? value[0] : value;
  if (field.of && depth + 1 < spoil.at.length && typeof nested === 'object' && nested !== null)
    return applySpoil(field.of, nested as Input, spoil, depth + 1);
  if (spoil.way === 'extra') input.extra = spoil.junk();
  else if (spoil.way === 'left out') delete input[field.name];
  else if (spoil.way === 'item' && Array.isArray(value)) value[value.length >> 1] = spoil.junk();
  else input[field.name] = spoil.way === 'other' ? spoil.other() : spoil.junk();
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

import { getMetadataStorage, ValidationTypes } from 'class-validator';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { type Class, isOwnCheck } from '../contract/index.js';

/** Whether a check accepts the value of a field. */
type Check = (value: unknown, object: object) => boolean;

/** The checks of one field. */
interface Field {
  readonly name: string;
  /** `@IsOptional` and `@ValidateIf`: the checks run only if all of these return true. */
  readonly conditions: readonly ((object: object, value: unknown) => unknown)[];
  readonly checks: readonly Check[];
}

interface Rules {
  readonly fields: readonly Field[];
  readonly names: ReadonlySet<string>;
}

/** By class; `'ask'` for a class that only class-validator itself can check. */
const known = new WeakMap<object, Rules | 'ask'>();

/**
 * Whether an instance of a DTO class is plainly valid, by class-validator's own checks, called without its engine,
 * which collects the rules of a class again for each instance by walking through all classes of the process. A field
 * without any rule is not valid.
 *
 * `false` means only that class-validator must decide: when a check refuses or throws, and always for a class that
 * contains other classes or has custom checks, which may be asynchronous and must run only once.
 */
export function isPlainlyValid(object: object): boolean {
  const cls: unknown = object.constructor;
  if (typeof cls !== 'function') return false;
  let rules = known.get(cls);
  if (rules === undefined) known.set(cls, (rules = rulesOf(cls as Class)));
  return (
    rules !== 'ask' &&
    hasOnly(object, rules.names) &&
    rules.fields.every((field) => passes(object as Readonly<Record<string, unknown>>, field))
  );
}

function hasOnly(object: object, names: ReadonlySet<string>): boolean {
  for (const name of Object.keys(object)) if (!names.has(name)) return false;
  return true;
}

function passes(object: Readonly<Record<string, unknown>>, { name, conditions, checks }: Field): boolean {
  try {
    const value = object[name];
    for (const condition of conditions) if (!condition(object, value)) return true;
    for (const check of checks) if (!check(value, object)) return false;
    return true;
  } catch {
    return false;
  }
}

/** The rules of a class as class-validator finds them with the options of `RequestValidation`, which has no groups. */
function rulesOf(cls: Class): Rules | 'ask' {
  const storage = getMetadataStorage();
  const byField = storage.groupByPropertyName(storage.getTargetValidationMetadatas(cls, '', false, false));
  const fields: Field[] = [];
  for (const [name, metadatas] of Object.entries(byField)) {
    const conditions = metadatas.filter(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION);
    const checked = metadatas.filter(
      ({ type }) => type === ValidationTypes.CUSTOM_VALIDATION || type === ValidationTypes.IS_DEFINED,
    );
    const allowed = metadatas.filter(({ type }) => type === ValidationTypes.WHITELIST);
    if (conditions.length + checked.length + allowed.length < metadatas.length || checked.some(isOwnCheck))
      return 'ask';
    fields.push({
      name,
      conditions: conditions.map(({ constraints }) => constraints[0] as Field['conditions'][number]),
      checks: checked.map((metadata) => checkOf(cls.name, metadata)),
    });
  }
  return { fields, names: new Set(fields.map(({ name }) => name)) };
}

function checkOf(
  targetName: string,
  { propertyName: property, constraints, constraintCls, each, validateIf }: ValidationMetadata,
): Check {
  const instances = getMetadataStorage()
    .getTargetValidatorConstraints(constraintCls)
    .map(({ instance }) => instance);
  const all: Check = (value, object) =>
    instances.every(
      (instance) => instance.validate(value, { value, object, property, constraints, targetName }) === true,
    );
  return (value, object) => {
    if (validateIf && !validateIf(object, value)) return true;
    if (!each) return all(value, object);
    // class-validator also looks into sets and maps, and checks other values directly: it decides there
    return Array.isArray(value) && value.every((item: unknown) => all(item, object));
  };
}

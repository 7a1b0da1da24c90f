import * as validator from 'class-validator';
import { getMetadataStorage, ValidationTypes } from 'class-validator';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { StartupError } from './errors.js';
import { IS_JSON_VALUE } from './json-value.js';
import type { Class } from './messages.js';

/** What a field holds on the wire. */
export type FieldKind = 'string' | 'number' | 'boolean' | 'date' | 'object' | 'scalar' | 'json';

/** One check of a field, as class-validator knows it. */
export interface Constraint {
  /** class-validator's name for it: `min`, `isUuid`; empty for `@Validate(Check)`. */
  readonly name: string;
  readonly args: readonly unknown[];
  /** Checks the items of a list instead of the list. */
  readonly each: boolean;
  /** A custom check of the application, which may look at the whole object. */
  readonly own: boolean;
  readonly metadata: ValidationMetadata;
}

/** One field of a contract class. */
export interface FieldShape {
  readonly name: string;
  readonly kind: FieldKind;
  readonly list: boolean;
  /** May be absent or null (`@IsOptional`). */
  readonly optional: boolean;
  /** The class of a nested object; resolved late, so that shapes may refer to themselves. */
  readonly of?: () => Shape;
  readonly constraints: readonly Constraint[];
  /** Has checks that need class-validator itself (`@ValidateIf`). */
  readonly conditional: boolean;
}

/** A contract class as the boundary sees it: its fields, from the metadata of class-validator and class-transformer. */
export interface Shape {
  readonly cls: Class;
  readonly fields: readonly FieldShape[];
}

/** class-transformer's number for one of its directions; @Transform applies to both by default. */
const PLAIN_TO_CLASS = 0;
const shapes = new WeakMap<Class, Shape>();

/**
 * The shape of a contract class. Throws a `StartupError` for anything that a contract cannot carry: an undecorated or
 * untyped field, a function, `BigInt`, `Map`, a class without decorators, `@Transform`, validation groups, asynchronous
 * checks.
 */
export function shapeOf(cls: Class): Shape {
  const known = shapes.get(cls);
  if (known) return known;
  refuseOwnJson(cls);
  const metadatas = getMetadataStorage().getTargetValidationMetadatas(cls, '', false, false);
  const byField = getMetadataStorage().groupByPropertyName(metadatas);
  const fields: FieldShape[] = [];
  const shape: Shape = { cls, fields };
  shapes.set(cls, shape);
  try {
    for (const [name, checks] of Object.entries(byField)) fields.push(fieldOf(cls, name, checks));
    for (const field of fields) field.of?.();
  } catch (error) {
    shapes.delete(cls);
    throw error;
  }
  return shape;
}

function fieldOf(cls: Class, name: string, checks: readonly ValidationMetadata[]): FieldShape {
  const where = `${cls.name}.${name}`;
  if (checks.some((c) => (c.groups?.length ?? 0) > 0))
    refuse(where, 'uses validation groups', 'A contract has one set of rules: make two classes.');
  if (defaultMetadataStorage.findTransformMetadatas(cls, name, PLAIN_TO_CLASS).length > 0) {
    refuse(where, 'uses @Transform', 'A contract carries values unchanged: transform them in the handler.');
  }
  if (defaultMetadataStorage.findExcludeMetadata(cls, name))
    refuse(where, 'uses @Exclude', 'Leave the field out of the contract class.');
  const design = Reflect.getMetadata('design:type', cls.prototype as object, name) as unknown;
  const typed = defaultMetadataStorage.findTypeMetadata(cls, name);
  const constraints = checks.filter(isConstraint).map(constraintOf(where));
  const isJson = constraints.some((c) => c.name === IS_JSON_VALUE && !c.each);
  const list =
    !isJson && (design === Array || checks.some((c) => c.each) || constraints.some((c) => /^array/i.test(c.name)));
  const optional = checks.some((c) => c.name === 'isOptional');
  const conditional = checks.some(
    (c) => (c.type === ValidationTypes.CONDITIONAL_VALIDATION && c.name !== 'isOptional') || c.validateIf !== undefined,
  );
  const target = typed?.typeFunction?.() ?? (list ? undefined : design);
  const kind = kindOf(where, target, constraints, list);
  if (kind !== 'object') return { name, kind, list, optional, constraints, conditional };
  if (!checks.some((c) => c.type === ValidationTypes.NESTED_VALIDATION)) {
    refuse(
      where,
      `holds a ${(target as Class).name} that is not validated`,
      'Add @ValidateNested() beside @Type(() => …).',
    );
  }
  const nested = target as Class;
  return { name, kind, list, optional, constraints, conditional, of: () => nestedShape(where, nested) };
}

function nestedShape(where: string, cls: Class): Shape {
  const shape = shapeOf(cls);
  // An empty shape that is still being built is a class that refers to itself; only a finished one can be checked.
  if (
    shape.fields.length === 0 &&
    getMetadataStorage().getTargetValidationMetadatas(cls, '', false, false).length === 0
  ) {
    refuse(
      where,
      `holds the class ${cls.name}, none of whose fields is decorated`,
      'Decorate its fields with class-validator, or name a contract class.',
    );
  }
  return shape;
}

// A check given by its class, `@Validate(NotASunday)`, has no name in the metadata.
function isConstraint({ type }: ValidationMetadata): boolean {
  return type === ValidationTypes.CUSTOM_VALIDATION || type === ValidationTypes.IS_DEFINED;
}

/** The names of class-validator's own checks: it exports each as a constant. */
const BUILT_IN: ReadonlySet<unknown> = new Set(
  Object.entries(validator).flatMap(([key, value]) => (/^[A-Z0-9_]+$/.test(key) ? [value] : [])),
);

/** Whether a check is a custom one of the application, not class-validator's. */
export function isOwnCheck({ name }: Pick<ValidationMetadata, 'name'>): boolean {
  return name !== IS_JSON_VALUE && !BUILT_IN.has(name);
}

function constraintOf(where: string): (metadata: ValidationMetadata) => Constraint {
  return (metadata) => {
    const custom = getMetadataStorage().getTargetValidatorConstraints(metadata.constraintCls)[0];
    if (custom?.async)
      refuse(
        where,
        `has the asynchronous check ${metadata.name ?? (metadata.constraintCls as Class).name}`,
        'Check it in the handler: a boundary cannot wait for checks.',
      );
    return {
      name: metadata.name ?? '',
      args: (metadata.constraints ?? []) as unknown[],
      each: metadata.each,
      own: isOwnCheck(metadata),
      metadata,
    };
  };
}

const KIND_OF_TYPE = new Map<unknown, FieldKind>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
  [Date, 'date'],
]);

const KIND_OF_CONSTRAINT: Readonly<Record<string, FieldKind>> = {
  isString: 'string',
  isUuid: 'string',
  isEmail: 'string',
  isUrl: 'string',
  matches: 'string',
  minLength: 'string',
  maxLength: 'string',
  isLength: 'string',
  isIso4217: 'string',
  isISO4217: 'string',
  isCurrencyCode: 'string',
  isAlpha: 'string',
  isAlphanumeric: 'string',
  isInt: 'number',
  isNumber: 'number',
  min: 'number',
  max: 'number',
  isPositive: 'number',
  isNegative: 'number',
  isBoolean: 'boolean',
  isDate: 'date',
};

function kindOf(where: string, target: unknown, constraints: readonly Constraint[], list: boolean): FieldKind {
  const byType = KIND_OF_TYPE.get(target);
  if (byType) return byType;
  // whatever stands before or after it
  if (constraints.some((c) => c.name === IS_JSON_VALUE && c.each === list)) return 'json';
  for (const constraint of constraints) {
    if (list && !constraint.each) continue;
    const kind = KIND_OF_CONSTRAINT[constraint.name];
    if (kind) return kind;
    if (constraint.name === 'isIn' || constraint.name === 'isEnum') return 'scalar';
  }
  if (typeof target === 'function' && target !== Object && target !== Array && target !== Function) {
    if (UNCARRIED.has(target))
      refuse(
        where,
        `holds a ${target.name}, which no contract can carry`,
        'Use strings, numbers, booleans, dates, lists and classes of them.',
      );
    return 'object';
  }
  if (target === Function) refuse(where, 'holds a function, which no contract can carry', 'Send data, not behaviour.');
  return refuse(
    where,
    'has an unknown type',
    list
      ? 'Name the items: @IsString({ each: true }), or @ValidateNested({ each: true }) @Type(() => Item).'
      : 'Give it one concrete type with @IsString(), @IsInt(), @IsDate(), or @ValidateNested() @Type(() => Part).',
  );
}

const UNCARRIED = new Set<unknown>([
  BigInt,
  Map,
  Set,
  WeakMap,
  WeakSet,
  Symbol,
  Promise,
  RegExp,
  ArrayBuffer,
  Uint8Array,
  Buffer,
]);

function refuseOwnJson(cls: Class): void {
  if (typeof (cls.prototype as { toJSON?: unknown }).toJSON === 'function') {
    throw new StartupError(
      'shape',
      `${cls.name} has a toJSON method`,
      'A contract class is data: what crosses is its decorated fields.',
    );
  }
}

function refuse(where: string, fact: string, cure: string): never {
  throw new StartupError('shape', `${where} ${fact}`, cure, { field: where });
}

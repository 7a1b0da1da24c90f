import * as validator from 'class-validator';
import { getMetadataStorage, ValidationTypes } from 'class-validator';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { StartupError } from './errors.js';
import { IS_RECORD_OF, isOneOf, type OneOf } from './forms.js';
import { IS_JSON_VALUE } from './json-value.js';
import type { Class } from './class.js';
import { keepRules } from './kept-rules.js';

/** What a field holds on the wire. */
export type FieldKind = 'string' | 'number' | 'boolean' | 'date' | 'object' | 'union' | 'record' | 'scalar' | 'json';

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
  /** The classes of a union. */
  readonly union?: UnionShape;
  /** What a record holds under each of its keys, as an item of a list is held. */
  readonly values?: FieldShape;
  readonly constraints: readonly Constraint[];
  /** Has checks that need class-validator itself (`@ValidateIf`). */
  readonly conditional: boolean;
}

/** Several classes, told apart by the value of a field that all of them have. */
export interface UnionShape {
  readonly property: string;
  readonly variants: ReadonlyMap<string, () => Shape>;
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
  keepRules(cls, metadatas);
  const fields: FieldShape[] = [];
  const shape: Shape = { cls, fields };
  shapes.set(cls, shape);
  try {
    for (const [name, checks] of Object.entries(byField)) fields.push(fieldOf(cls, name, checks));
    for (const field of fields) nestedShapes(field);
  } catch (error) {
    shapes.delete(cls);
    throw error;
  }
  return shape;
}

/** The shapes of the classes that a field holds. */
export function nestedShapes({ of, union, values }: FieldShape): readonly Shape[] {
  if (of) return [of()];
  if (union) return [...union.variants.values()].map((variant) => variant());
  return values ? nestedShapes(values) : [];
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
  const isOpen = constraints.some((c) => (c.name === IS_JSON_VALUE || c.name === IS_RECORD_OF) && !c.each);
  const list =
    !isOpen && (design === Array || checks.some((c) => c.each) || constraints.some((c) => /^array/i.test(c.name)));
  const optional = checks.some((c) => c.name === 'isOptional');
  const conditional = checks.some(
    (c) => (c.type === ValidationTypes.CONDITIONAL_VALIDATION && c.name !== 'isOptional') || c.validateIf !== undefined,
  );
  const base = { name, list, optional, constraints, conditional };
  const discriminator = typed?.options?.discriminator;
  if (discriminator) {
    refuseUnvalidated(where, 'a union', checks);
    return { ...base, kind: 'union', union: unionOf(where, discriminator) };
  }
  const record = constraints.find((c) => c.name === IS_RECORD_OF && c.each === list);
  if (record) return { ...base, kind: 'record', values: valuesOf(where, record.args[0] as Class | OneOf) };
  const target = typed?.typeFunction?.() ?? (list ? undefined : design);
  const kind = kindOf(where, target, constraints, list);
  if (kind !== 'object') return { ...base, kind };
  const nested = target as Class;
  refuseUnvalidated(where, `a ${nested.name}`, checks);
  return { ...base, kind, of: () => nestedShape(where, nested) };
}

function refuseUnvalidated(where: string, what: string, checks: readonly ValidationMetadata[]): void {
  if (checks.some((c) => c.type === ValidationTypes.NESTED_VALIDATION)) return;
  refuse(where, `holds ${what} that is not validated`, 'Add @ValidateNested() beside @Type(() => …).');
}

/** The checks of a field of a variant that allow exactly one value. */
const ONE_VALUE: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  equals: ([value]) => value,
  isIn: ([values]) => (Array.isArray(values) && values.length === 1 ? (values as unknown[])[0] : undefined),
};

function unionOf(
  where: string,
  { property, subTypes }: { readonly property: string; readonly subTypes: readonly { name: string; value: unknown }[] },
): UnionShape {
  const variants = subTypes.map(({ name, value }): [string, () => Shape] => {
    const cls = value as Class;
    if (typeof cls !== 'function')
      refuse(
        where,
        `holds a union without a class for '${name}'`,
        'Name one. Is it defined below its use, or in a cycle of imports?',
      );
    return [
      name,
      () => {
        const shape = nestedShape(where, cls);
        const field = shape.fields.find((candidate) => candidate.name === property);
        const says = field?.constraints.some((c) => ONE_VALUE[c.name]?.(c.args) === name) ?? false;
        if (!says || field?.optional || field?.conditional)
          refuse(
            where,
            `tells ${cls.name} by its field '${property}', which need not be '${name}'`,
            `Declare it in ${cls.name}: @Equals('${name}') readonly ${property} = '${name}' as const.`,
          );
        return shape;
      },
    ];
  });
  return { property, variants: new Map(variants) };
}

const KIND_OF_ITEM = new Map<unknown, FieldKind>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
]);

function valuesOf(where: string, item: Class | OneOf | undefined): FieldShape {
  const base = { name: '', list: true, optional: false, constraints: [], conditional: false };
  const kind = KIND_OF_ITEM.get(item);
  if (kind) return { ...base, kind };
  if (isOneOf(item)) {
    const subTypes = Object.entries(item.variants).map(([name, value]) => ({ name, value }));
    return { ...base, kind: 'union', union: unionOf(where, { property: item.discriminator, subTypes }) };
  }
  if (typeof item !== 'function' || UNCARRIED.has(item) || item === (Date as unknown) || item === (Object as unknown))
    refuse(
      where,
      `holds a record of ${typeof item === 'function' ? (item as Class).name : String(item)}, which no contract can carry`,
      'Name a class whose fields are decorated, a union, or String, Number or Boolean.',
    );
  return { ...base, kind: 'object', of: () => nestedShape(where, item) };
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
  return name !== IS_JSON_VALUE && name !== IS_RECORD_OF && !BUILT_IN.has(name);
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
    if (['isIn', 'isEnum', 'equals'].includes(constraint.name)) return 'scalar';
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

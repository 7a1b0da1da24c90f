import {
  errorSpec,
  isNullable,
  type Class,
  type MessageSpec,
  type ResultItem,
  type ResultType,
  type UnknownFields,
} from './messages.js';
import { carrierOf, isForm, type Form } from './forms.js';
import { shapeOf, type Constraint, type FieldShape, type Shape, type UnionShape } from './shape.js';

/** A JSON Schema (draft 2020-12), as far as contracts need one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** A message for callers without the kit: its name, its deadline, and the schemas of its input and result. */
export interface DescribedMessage {
  readonly name: string;
  readonly kind: 'command' | 'query';
  readonly deadlineMs: number;
  readonly request: JsonSchema;
  /** Left out for a message without a result. */
  readonly result?: JsonSchema;
  readonly errors: readonly { readonly name: string; readonly kind: string; readonly fields: JsonSchema }[];
}

/**
 * Describes a message for other languages and tools. A check that JSON Schema cannot express is left out; the module
 * still makes it.
 */
export function describeMessage(spec: MessageSpec): DescribedMessage {
  const { unknownFields } = spec;
  const result = resultSchema(spec.result, unknownFields);
  return {
    name: spec.name,
    kind: spec.kind,
    deadlineMs: spec.deadlineMs,
    request: jsonSchemaOf(spec.cls, unknownFields),
    ...(result && { result }),
    errors: spec.errors.map((cls) => {
      const error = errorSpec(cls);
      return {
        name: error?.name ?? cls.name,
        kind: error?.kind ?? 'internal',
        fields: jsonSchemaOf(cls, unknownFields),
      };
    }),
  };
}

/** What the schemas of one document share. */
interface Draft {
  /** Referred to as `#`; undefined where the document has another root. */
  readonly root: Shape | undefined;
  readonly definitions: Map<Shape, JsonSchema>;
  readonly additionalProperties: boolean;
}

/**
 * The JSON Schema of a contract class; the classes in it are under `$defs`. `additionalProperties` says how unknown
 * fields are treated.
 */
export function jsonSchemaOf(cls: Class, unknownFields: UnknownFields = 'exact'): JsonSchema {
  const definitions = new Map<Shape, JsonSchema>();
  const root = shapeOf(cls);
  const schema = objectSchema(root, { root, definitions, additionalProperties: unknownFields === 'open' });
  if (definitions.size === 0) return schema;
  return {
    ...schema,
    $defs: definitionsOf(definitions),
  };
}

const PRIMITIVES = new Map<unknown, JsonSchema>([
  [String, { type: 'string' }],
  [Number, { type: 'number' }],
  [Boolean, { type: 'boolean' }],
]);

function resultSchema(type: ResultType, unknownFields: UnknownFields | undefined): JsonSchema | undefined {
  if (type === undefined) return undefined;
  if (isForm(type) || (Array.isArray(type) && isForm(type[0])))
    return formSchema(type as Form | readonly [Form], unknownFields);
  if (isNullable(type)) {
    const { $defs, ...schema } = withoutRoot(type.nullable, unknownFields);
    return { anyOf: [schema, { type: 'null' }], ...($defs !== undefined && { $defs }) };
  }
  if (!Array.isArray(type)) return PRIMITIVES.get(type) ?? jsonSchemaOf(type as Class, unknownFields);
  const { $defs, ...items } = withoutRoot(type[0] as Class, unknownFields);
  return { type: 'array', items, ...($defs !== undefined && { $defs }) };
}

/** The schema of a result within another; a class that holds itself is under `$defs`, since it is not the root. */
function withoutRoot(type: ResultItem | readonly [ResultItem], unknownFields: UnknownFields | undefined): JsonSchema {
  if (Array.isArray(type) || isForm(type)) return resultSchema(type as ResultType, unknownFields) as JsonSchema;
  const primitive = PRIMITIVES.get(type);
  if (primitive) return primitive;
  const cls = type as Class;
  const schema = jsonSchemaOf(cls, unknownFields);
  if (!JSON.stringify(schema).includes('"$ref":"#"')) return schema;
  const definitions = new Map<Shape, JsonSchema>();
  const draft = { root: undefined, definitions, additionalProperties: unknownFields === 'open' };
  return { ...reference(shapeOf(cls), draft), $defs: definitionsOf(definitions) };
}

function formSchema(type: Form | readonly [Form], unknownFields: UnknownFields | undefined): JsonSchema {
  const definitions = new Map<Shape, JsonSchema>();
  const draft = { root: undefined, definitions, additionalProperties: unknownFields === 'open' };
  const [carrier] = shapeOf(carrierOf(type)).fields;
  const schema = fieldSchema(carrier as FieldShape, draft);
  return definitions.size === 0 ? schema : { ...schema, $defs: definitionsOf(definitions) };
}

function definitionsOf(definitions: ReadonlyMap<Shape, JsonSchema>): JsonSchema {
  return Object.fromEntries([...definitions].map(([shape, definition]) => [shape.cls.name, definition]));
}

function objectSchema(shape: Shape, draft: Draft): JsonSchema {
  const properties = shape.fields.map((field): [string, JsonSchema] => [field.name, fieldSchema(field, draft)]);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: shape.fields.filter((field) => !field.optional).map((field) => field.name),
    additionalProperties: draft.additionalProperties,
  };
}

function fieldSchema(field: FieldShape, draft: Draft): JsonSchema {
  const value = { ...valueSchema(field, draft), ...keywords(field.constraints.filter((c) => c.each === field.list)) };
  const schema = field.list
    ? { type: 'array', items: value, ...keywords(field.constraints.filter((c) => !c.each)) }
    : value;
  return field.optional ? { anyOf: [schema, { type: 'null' }] } : schema;
}

function valueSchema(field: FieldShape, draft: Draft): JsonSchema {
  switch (field.kind) {
    case 'object':
      return reference((field.of as () => Shape)(), draft);
    case 'union':
      return unionSchema(field.union as UnionShape, draft);
    case 'record':
      return { type: 'object', additionalProperties: valueSchema(field.values as FieldShape, draft) };
    case 'date':
      return { type: 'string', format: 'date-time' };
    case 'scalar':
    case 'json':
      return {};
    default:
      return { type: field.kind };
  }
}

/** `discriminator` is a keyword of OpenAPI; JSON Schema ignores it. */
function unionSchema({ property, variants }: UnionShape, draft: Draft): JsonSchema {
  const references = [...variants].map(([name, of]): [string, JsonSchema] => [name, reference(of(), draft)]);
  const mapping = Object.fromEntries(references.map(([name, { $ref }]) => [name, $ref]));
  return { oneOf: references.map(([, schema]) => schema), discriminator: { propertyName: property, mapping } };
}

function reference(shape: Shape, draft: Draft): JsonSchema {
  const { root, definitions } = draft;
  if (shape === root) return { $ref: '#' };
  if (!definitions.has(shape)) {
    // Registered before it is filled, since a class may contain itself.
    definitions.set(shape, {});
    definitions.set(shape, objectSchema(shape, draft));
  }
  return { $ref: `#/$defs/${shape.cls.name}` };
}

/** The keyword for a check of class-validator: its name, or a function of its arguments. */
const KEYWORDS: Readonly<Record<string, (args: readonly unknown[]) => JsonSchema>> = {
  isInt: () => ({ type: 'integer' }),
  min: ([minimum]) => ({ minimum }),
  max: ([maximum]) => ({ maximum }),
  isPositive: () => ({ exclusiveMinimum: 0 }),
  minLength: ([minLength]) => ({ minLength }),
  maxLength: ([maxLength]) => ({ maxLength }),
  isLength: ([minLength, maxLength]) => ({ minLength, ...(maxLength !== undefined && { maxLength }) }),
  isNotEmpty: () => ({ minLength: 1 }),
  matches: ([pattern]) => (pattern instanceof RegExp && pattern.flags === '' ? { pattern: pattern.source } : {}),
  isUuid: () => ({ format: 'uuid' }),
  isEmail: () => ({ format: 'email' }),
  equals: ([value]) => ({ const: value }),
  isIn: ([values]) => (Array.isArray(values) ? { enum: values } : {}),
  isEnum: ([, values]) => (Array.isArray(values) ? { enum: values } : {}),
  arrayMinSize: ([minItems]) => ({ minItems }),
  arrayMaxSize: ([maxItems]) => ({ maxItems }),
  arrayNotEmpty: () => ({ minItems: 1 }),
  arrayUnique: () => ({ uniqueItems: true }),
};

function keywords(constraints: readonly Constraint[]): JsonSchema {
  return Object.assign({}, ...constraints.map((c) => KEYWORDS[c.name]?.(c.args) ?? {})) as JsonSchema;
}

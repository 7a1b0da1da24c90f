import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  Equals,
  IsDate,
  IsEnum,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import {
  CommandContract,
  ContractError,
  describeMessage,
  enumOf,
  ErrorContract,
  IsOneOf,
  IsRecordOf,
  jsonSchemaOf,
  type MessageSpec,
  messageSpec,
  nullable,
  oneOf,
  pageOf,
  QueryContract,
  recordOf,
} from './index.js';

class Line {
  @IsUUID() productId!: string;
  @IsInt() @Min(1) quantity!: number;
}

class Tree {
  @IsString() @Matches(/^[a-z]+$/) name!: string;
  @ValidateNested({ each: true }) @Type(() => Tree) children!: Tree[];
}

@ErrorContract('test.refused.v1', { kind: 'conflict' })
class Refused extends ContractError {
  @IsInt() limit!: number;
}

@CommandContract('test.place.v1', { result: [Line], errors: [Refused], deadlineMs: 700 })
class Place {
  @IsDate() @Type(() => Date) at!: Date;
  @IsOptional() @IsIn(['a', 'b']) tag?: string;
  @IsString({ each: true }) @MaxLength(5, { each: true }) words!: string[];
  @ValidateNested({ each: true }) @Type(() => Line) @ArrayMinSize(1) @ArrayMaxSize(3) lines!: Line[];
}

const line = {
  type: 'object',
  properties: { productId: { type: 'string', format: 'uuid' }, quantity: { type: 'integer', minimum: 1 } },
  required: ['productId', 'quantity'],
  additionalProperties: false,
};

it('describes a message with its result and its errors', () => {
  expect(describeMessage(messageSpec(Place) as MessageSpec)).toEqual({
    name: 'test.place.v1',
    kind: 'command',
    deadlineMs: 700,
    request: {
      type: 'object',
      properties: {
        at: { type: 'string', format: 'date-time' },
        tag: { anyOf: [{ type: 'string', enum: ['a', 'b'] }, { type: 'null' }] },
        words: { type: 'array', items: { type: 'string', maxLength: 5 } },
        lines: { type: 'array', items: { $ref: '#/$defs/Line' }, minItems: 1, maxItems: 3 },
      },
      required: ['at', 'words', 'lines'],
      additionalProperties: false,
      $defs: { Line: line },
    },
    result: { type: 'array', items: line },
    errors: [
      {
        name: 'test.refused.v1',
        kind: 'conflict',
        fields: {
          type: 'object',
          properties: { limit: { type: 'integer' } },
          required: ['limit'],
          additionalProperties: false,
        },
      },
    ],
  });
});

it('refers to the root where a class holds itself', () => {
  expect(jsonSchemaOf(Tree)).toEqual({
    type: 'object',
    properties: { name: { type: 'string', pattern: '^[a-z]+$' }, children: { type: 'array', items: { $ref: '#' } } },
    required: ['name', 'children'],
    additionalProperties: false,
  });
});

it('allows unknown fields, including in nested objects, for a message that is open to them', () => {
  const spec = { ...(messageSpec(Place) as MessageSpec), unknownFields: 'open' as const };
  const openLine = { ...line, additionalProperties: true };
  expect(describeMessage(spec)).toMatchObject({
    request: { additionalProperties: true, $defs: { Line: openLine } },
    result: { items: openLine },
    errors: [{ fields: { additionalProperties: true } }],
  });
  expect(JSON.stringify(describeMessage(spec))).not.toContain('"additionalProperties":false');
});

it('describes results that may be null, and lists of primitives', () => {
  const resultOf = (result: MessageSpec['result']): unknown =>
    describeMessage({ ...(messageSpec(Place) as MessageSpec), result }).result;
  expect(resultOf(nullable(String))).toEqual({ anyOf: [{ type: 'string' }, { type: 'null' }] });
  expect(resultOf([Number])).toEqual({ type: 'array', items: { type: 'number' } });
  const { $defs, ...schema } = jsonSchemaOf(Place);
  // a class that holds itself is not the root of the result
  const tree = resultOf(nullable(Tree)) as { anyOf: object[]; $defs: { Tree: { properties: { children: object } } } };
  expect(tree.anyOf).toEqual([{ $ref: '#/$defs/Tree' }, { type: 'null' }]);
  expect(tree.$defs.Tree.properties.children).toEqual({ type: 'array', items: { $ref: '#/$defs/Tree' } });
  expect(resultOf([Tree])).toMatchObject({ type: 'array', items: { $ref: '#/$defs/Tree' } });
  expect(resultOf(nullable(Place))).toEqual({ anyOf: [schema, { type: 'null' }], $defs });
});

class Cash {
  @Equals('cash') readonly method = 'cash' as const;
}
class Cheque {
  @IsIn(['cheque']) readonly method!: 'cheque';
  @IsInt() readonly number!: number;
}
const Payment = oneOf('method', { cash: Cash, cheque: Cheque });
enum Color {
  Red = 'red',
  Blue = 'blue',
}

class Till {
  @IsOneOf(Payment, { each: true }) payments!: object[];
  @IsRecordOf(Payment) last!: object;
  @IsRecordOf(Number) counts!: object;
  @IsEnum(Color) color!: Color;
}

const union = {
  oneOf: [{ $ref: '#/$defs/Cash' }, { $ref: '#/$defs/Cheque' }],
  discriminator: { propertyName: 'method', mapping: { cash: '#/$defs/Cash', cheque: '#/$defs/Cheque' } },
};

it('describes unions as OpenAPI does, records and enums', () => {
  const schema = jsonSchemaOf(Till);
  expect(schema.properties).toEqual({
    payments: { type: 'array', items: union },
    last: { type: 'object', additionalProperties: union },
    counts: { type: 'object', additionalProperties: { type: 'number' } },
    color: { type: 'string', enum: ['red', 'blue'] },
  });
  expect(schema.$defs).toMatchObject({
    Cash: { properties: { method: { const: 'cash' } }, required: ['method'] },
    Cheque: { properties: { method: { enum: ['cheque'] }, number: { type: 'integer' } } },
  });
});

it('describes them as results', () => {
  @QueryContract('test.unions.v1', { result: nullable([Payment]) })
  class Unions {}
  @QueryContract('test.counts.v1', { result: recordOf(Number) })
  class Counts {}
  @QueryContract('test.colors.v1', { result: [enumOf(Color)] })
  class Colors {}
  @QueryContract('test.page.v1', { result: pageOf(Line) })
  class Lines {}
  const resultOf = (cls: object) => describeMessage(messageSpec(cls) as MessageSpec).result;
  expect(resultOf(Unions)).toMatchObject({ anyOf: [{ type: 'array', items: union }, { type: 'null' }] });
  expect(resultOf(Unions)).toHaveProperty('$defs.Cheque');
  expect(resultOf(Counts)).toEqual({ type: 'object', additionalProperties: { type: 'number' } });
  expect(resultOf(Colors)).toEqual({ type: 'array', items: { enum: ['red', 'blue'] } });
  expect(resultOf(Lines)).toMatchObject({
    properties: { items: { type: 'array', items: { $ref: '#/$defs/Line' } } },
    required: ['items'],
  });
});

import { Type } from 'class-transformer';
import {
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsDate,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUUID,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { messageWriter, resultWriter } from './json.js';

class Leaf {
  @IsUUID() id!: string;
  @IsNumber() weight!: number;
}
class Tree {
  @IsString() name!: string;
  @IsInt() age!: number;
  @IsBoolean() green!: boolean;
  @IsDate() @Type(() => Date) planted!: Date;
  @IsIn(['a', 1, true]) mark!: string | number | boolean;
  @ValidateNested({ each: true }) @Type(() => Leaf) leaves!: Leaf[];
  @IsString({ each: true }) @IsArray() words!: string[];
  @IsUUID('4', { each: true }) @ArrayMinSize(0) ids!: string[];
  @IsDate({ each: true }) @Type(() => Date) rings!: Date[];
  @IsOptional() @IsString() note?: string | null;
  @IsOptional() @ValidateNested() @Type(() => Tree) parent?: Tree;
  @ValidateIf(() => false) @IsUUID() unchecked?: string;
}
class OnlyOptional {
  @IsOptional() @IsString() a?: string;
  @IsOptional() @IsInt() b?: number | null;
}

const ID = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';
const TEXTS = [
  '',
  'plain',
  '"',
  '\\',
  '\n',
  '\u0000',
  '\u001f',
  '\u007f',
  '\u2028',
  'é',
  '😀',
  '\ud800',
  '\udc00x',
  '</script>',
  'x'.repeat(300),
  `${'x'.repeat(300)}"\n`,
];

function tree(name: string, parts: Partial<Tree> = {}): Tree {
  const base = {
    name,
    age: 3,
    green: true,
    planted: new Date(0),
    mark: 'a',
    leaves: [],
    words: [],
    ids: [],
    rings: [],
  };
  return Object.assign(new Tree(), base, parts);
}

describe('JSON text', () => {
  const trees = [
    ...TEXTS.map((text) => tree(text, { words: [text, text], note: text, unchecked: text })),
    tree('lists', {
      leaves: [0, -1.5, 1e21, 1e-7, 123456789012345680].map((weight) => Object.assign(new Leaf(), { id: ID, weight })),
      ids: [ID, ID],
      rings: [new Date(1), new Date(-62198755200001), new Date(8.64e15)],
    }),
    tree('null', { note: null, green: false, mark: 1 }),
    tree('nested', { parent: tree('parent', { parent: tree('grandparent'), mark: true }) }),
  ];

  it.each(trees.map((t) => [t.name, t] as const))('is equivalent to that of JSON.stringify: %j', (_, value) => {
    expect(JSON.parse(messageWriter(Tree)(value))).toEqual(JSON.parse(JSON.stringify(value)));
    expect(JSON.parse(resultWriter([Tree])([value, value]))).toEqual(JSON.parse(JSON.stringify([value, value])));
  });

  it.each([{}, { a: 'x' }, { b: 1 }, { b: null }, { a: 'x', b: 1 }])(
    'is right for optional fields alone: %j',
    (fields) => {
      expect(JSON.parse(messageWriter(OnlyOptional)(Object.assign(new OnlyOptional(), fields)))).toEqual(fields);
    },
  );

  it('is right for results that are not classes', () => {
    expect(resultWriter(undefined)(undefined)).toBe('');
    expect(resultWriter([Leaf])([])).toBe('[]');
    expect(TEXTS.map((text) => JSON.parse(resultWriter(String)(text)) as string)).toEqual(TEXTS);
    expect(resultWriter(Number)(-1.5)).toBe('-1.5');
    expect(resultWriter(Boolean)(false)).toBe('false');
  });
});

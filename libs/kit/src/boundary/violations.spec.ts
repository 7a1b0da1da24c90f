import { Type } from 'class-transformer';
import { ArrayMaxSize, IsInt, IsOptional, IsString, IsUUID, MaxLength, Min, ValidateNested } from 'class-validator';
import { InvalidMessage, shapeOf, type Violation } from '../contract/index.js';
import { explain } from './explain.js';
import { VIOLATIONS_MAX } from './violations.js';

class Item {
  @IsString() sku!: string;
  @IsInt() @Min(1) quantity!: number;
  @IsOptional() @MaxLength(3, { each: true }) @Type(() => String) notes?: string[];
}
class Order {
  @ValidateNested({ each: true }) @Type(() => Item) lines!: Item[];
  @IsOptional()
  @IsString({ each: true })
  @MaxLength(3, { each: true })
  @ArrayMaxSize(60)
  @Type(() => String)
  tags?: string[];
  @IsOptional() @IsUUID('all', { each: true, message: 'ids are UUIDs' }) @Type(() => String) ids?: string[];
  @IsOptional() @ValidateNested() @Type(() => Item) extra?: Item;
}

function violations(input: object): readonly Violation[] {
  return explain(shapeOf(Order), input, 'memory').violations;
}

describe('a violation inside a list', () => {
  it('of objects names the item and its field', () => {
    const lines = [
      { sku: 'a', quantity: 1 },
      { sku: 'a', quantity: 0 },
      { sku: 'a', quantity: 1, notes: ['abc', 'abcd'] },
    ];
    expect(violations({ lines })).toEqual([
      { path: 'lines[1].quantity', rule: 'min', message: 'quantity must not be less than 1' },
      {
        path: 'lines[2].notes[1]',
        rule: 'maxLength',
        message: 'notes[1] must be shorter than or equal to 3 characters',
      },
    ]);
  });

  // "each value in tags must be …" was reported for the list, and the reader had to find the item.
  it('of plain values names each item that breaks a rule', () => {
    expect(violations({ lines: [], tags: ['abcd', 'abc', 'abcde'] })).toEqual([
      { path: 'tags[0]', rule: 'maxLength', message: 'tags[0] must be shorter than or equal to 3 characters' },
      { path: 'tags[2]', rule: 'maxLength', message: 'tags[2] must be shorter than or equal to 3 characters' },
    ]);
    expect(violations({ lines: [], ids: ['x'] })).toEqual([
      { path: 'ids[0]', rule: 'isUuid', message: 'ids are UUIDs' },
    ]);
  });

  // It said of an item: "must be a list, is 3".
  it('says what an item must be, not that it must be a list', () => {
    expect(violations({ lines: [null], tags: ['a', 3] })).toEqual([
      { path: 'lines[0]', rule: 'type', message: 'must be an Item, is null' },
      { path: 'tags[1]', rule: 'type', message: 'must be a string, is 3' },
    ]);
    expect(violations({ lines: {} })).toEqual([
      { path: 'lines', rule: 'type', message: 'must be a list, is an Object' },
    ]);
  });

  it('names only the list for a rule of the whole list', () => {
    expect(violations({ lines: [], tags: Array.from({ length: 61 }, () => 'a') })).toEqual([
      { path: 'tags', rule: 'arrayMaxSize', message: 'tags must contain no more than 60 elements' },
    ]);
  });

  it('is reported for the first few items only', () => {
    const found = violations({ lines: Array.from({ length: 200 }, () => ({ sku: 'a', quantity: 0 })) });
    expect(found).toHaveLength(VIOLATIONS_MAX);
    expect(found.at(-1)?.path).toBe(`lines[${VIOLATIONS_MAX - 1}].quantity`);
  });

  it('reads well in the text of the error', () => {
    expect(new InvalidMessage('ordering.place-order.v1', violations({ lines: [], tags: ['a', 3] })).message).toBe(
      'ordering.place-order.v1 breaks its contract: tags[1]: must be a string, is 3',
    );
  });
});

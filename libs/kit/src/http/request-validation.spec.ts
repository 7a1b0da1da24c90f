import { Type } from 'class-transformer';
import { IsEmail, IsNumber, IsOptional, ValidateNested } from 'class-validator';
import { InvalidRequest } from './errors.js';
import { RequestValidation } from './request-validation.js';

class Contact {
  @IsEmail() email!: string;
}
class Body {
  @IsNumber({ maxDecimalPlaces: 2 }) price!: number;
  @ValidateNested({ each: true }) @Type(() => Contact) contacts!: Contact[];
  @IsOptional() @IsEmail({}, { each: true }) copies?: unknown[];
}

async function violationsOf(body: unknown): Promise<unknown> {
  const refused = await new RequestValidation()
    .transform(body, { type: 'body', metatype: Body })
    .catch((error: unknown) => error);
  if (refused instanceof InvalidRequest) return refused.violations;
  throw new Error('nothing was refused', { cause: refused });
}

// Each of these was answered with 500: the check of class-validator throws.
describe('a value that class-validator cannot check', () => {
  it('is refused at its path', async () => {
    expect(await violationsOf({ price: 1, contacts: [{ email: 'a@b.example' }, { email: '\ud800' }] })).toEqual([
      { path: 'contacts[1].email', rule: 'check-failed', message: 'email cannot be checked: URI malformed' },
    ]);
    expect(await violationsOf({ price: 1e-7, contacts: [] })).toMatchObject([{ path: 'price', rule: 'check-failed' }]);
  });
});

// Each was answered with 500: the walk through it ran out of stack.
describe('a body that is nested too deeply', () => {
  const nested = (open: string, close: string, depth: number): unknown =>
    JSON.parse(`{"contacts":${open.repeat(depth)}1${close.repeat(depth)}}`);

  it.each([
    ['lists', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('is refused: %s', async (_what, open, close) => {
    expect(await violationsOf(nested(open, close, 40_000))).toMatchObject([
      { rule: 'depth', message: 'must not be nested more than 64 levels deep' },
    ]);
  });

  it('may have the depth that is allowed', async () => {
    expect(await violationsOf(nested('[', ']', 63))).not.toContainEqual(expect.objectContaining({ rule: 'depth' }));
    expect(await violationsOf(nested('[', ']', 64))).toContainEqual(expect.objectContaining({ rule: 'depth' }));
  });
});

// The answer said "each value in copies" at the path of the list, and one violation for each of a hundred thousand
// items of a list.
describe('a list in a body', () => {
  it('is refused by the items that are wrong, the first of them', async () => {
    const copies = ['a@b.example', 'nobody', 'a@b.example', 3];
    expect(await violationsOf({ price: 1, contacts: [], copies })).toEqual(
      [1, 3].map((i) => ({ path: `copies[${i}]`, rule: 'isEmail', message: `copies[${i}] must be an email` })),
    );
    expect(
      await violationsOf({ price: 1, contacts: Array.from({ length: 1000 }, () => ({ email: '' })) }),
    ).toHaveLength(50);
    expect(await violationsOf({ price: 1, contacts: [{ email: 'a@b.example', other: 1 }] })).toMatchObject([
      { path: 'contacts[0].other', rule: 'unknown-field' },
    ]);
  });
});

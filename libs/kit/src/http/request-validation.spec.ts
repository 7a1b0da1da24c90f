import { Type } from 'class-transformer';
import { IsEmail, IsNumber, ValidateNested } from 'class-validator';
import { InvalidRequest } from './errors.js';
import { RequestValidation } from './request-validation.js';

class Contact {
  @IsEmail() email!: string;
}
class Body {
  @IsNumber({ maxDecimalPlaces: 2 }) price!: number;
  @ValidateNested({ each: true }) @Type(() => Contact) contacts!: Contact[];
}

async function violationsOf(body: unknown): Promise<unknown> {
  const refused = await new RequestValidation().transform(body, { type: 'body', metatype: Body }).catch((error: unknown) => error);
  if (refused instanceof InvalidRequest) return refused.violations;
  throw new Error('nothing was refused', { cause: refused });
}

// Each of these was answered with 500: the check of class-validator throws.
describe('a value that class-validator can not check', () => {
  it('is refused at its path', async () => {
    expect(await violationsOf({ price: 1, contacts: [{ email: 'a@b.example' }, { email: '\ud800' }] })).toEqual([
      { path: 'contacts[1].email', rule: 'check-failed', message: 'email can not be checked: URI malformed' },
    ]);
    expect(await violationsOf({ price: 1e-7, contacts: [] })).toMatchObject([{ path: 'price', rule: 'check-failed' }]);
  });
});

// Each was answered with 500: the walk through it ran out of stack.
describe('a body that is nested too deeply', () => {
  const nested = (open: string, close: string, depth: number): unknown => JSON.parse(`{"contacts":${open.repeat(depth)}1${close.repeat(depth)}}`);

  it.each([['lists', '[', ']'], ['objects', '{"a":', '}']])('is refused: %s', async (_what, open, close) => {
    expect(await violationsOf(nested(open, close, 40_000))).toMatchObject([{ rule: 'depth', message: 'must not be nested more than 64 levels deep' }]);
  });

  it('may have the depth that is allowed', async () => {
    expect(await violationsOf(nested('[', ']', 63))).not.toContainEqual(expect.objectContaining({ rule: 'depth' }));
    expect(await violationsOf(nested('[', ']', 64))).toContainEqual(expect.objectContaining({ rule: 'depth' }));
  });
});

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

import { IsIn, IsOptional } from 'class-validator';
import { encodeCursor } from './cursor.js';
import { InvalidRequest } from './errors.js';
import { PageRequest } from './page-request.js';
import { RequestValidation } from './request-validation.js';

class BookListRequest extends PageRequest {
  @IsOptional() @IsIn(['title', 'year']) readonly sort?: string;
}

function read(query: object): Promise<unknown> {
  return new RequestValidation().transform(query, { type: 'query', metatype: BookListRequest });
}

async function refused(query: object): Promise<unknown> {
  const error = await read(query).catch((reason: unknown) => reason);
  if (error instanceof InvalidRequest) return error.violations.map(({ path, rule }) => `${path} ${rule}`);
  throw new Error('the query was not refused', { cause: error });
}

describe('PageRequest', () => {
  it('asks for the first 20 items where the query says nothing', async () => {
    expect(await read({})).toStrictEqual(Object.assign(new BookListRequest(), { limit: 20 }));
  });

  it('takes a limit from 1 to 100, a cursor, and what a class that extends it takes besides', async () => {
    const cursor = encodeCursor({ id: 5 });
    expect(await read({ limit: '1', cursor, sort: 'year' })).toMatchObject({ limit: 1, cursor, sort: 'year' });
    expect(await read({ limit: '100', cursor: 'x'.repeat(1_024) })).toMatchObject({ limit: 100 });
  });

  it('refuses another limit, a cursor of another length, and a field it does not know', async () => {
    expect(await refused({ limit: '0' })).toEqual(['limit min']);
    expect(await refused({ limit: '101' })).toEqual(['limit max']);
    expect(await refused({ limit: '1.5' })).toEqual(['limit isInt']);
    expect(await refused({ limit: 'all' })).toEqual(expect.arrayContaining(['limit isInt']));
    expect(await refused({ cursor: '' })).toEqual(['cursor isLength']);
    expect(await refused({ cursor: 'x'.repeat(1_025) })).toEqual(['cursor isLength']);
    expect(await refused({ page: '2' })).toEqual(['page unknown-field']);
  });
});

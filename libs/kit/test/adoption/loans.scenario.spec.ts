import { fake, testModule, type TestedModule } from '@fledge/kit/testing';
import { AppModule } from './after/app.module.js';
import { BooksContract, FindBooks } from './after/books/contract/index.js';

/** The guide's example of a module tested alone. */
describe('lending, without the books', () => {
  let test: TestedModule;

  beforeAll(async () => {
    test = await testModule(AppModule, {
      fakes: [fake(BooksContract).on(FindBooks, ({ ids }) => ids.map((id) => ({ id, title: 'Emma', copies: 1 })))],
    });
  });
  afterAll(() => test.close());

  it('stores a loan, having asked for its book', async () => {
    await test
      .scenario()
      .request('POST', '/loans', { bookId: 1, reader: 'Ada' })
      .check(({ status, body }) => expect([status, body]).toEqual([201, { id: 1, reader: 'Ada', title: 'Emma' }]))
      .eventually('the loan is listed', async () => expect((await test.request('GET', '/loans')).body).toHaveLength(1));

    expect(test.calls(FindBooks)[0]).toEqual(new FindBooks([1]));
  });

  it('lends no more than there is', async () => {
    expect(await test.request('POST', '/loans', { bookId: 1, reader: 'Bob' })).toMatchObject({
      status: 409,
      body: { detail: 'all copies of Emma are lent' },
    });
  });
});

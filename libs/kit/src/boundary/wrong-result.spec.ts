import { Query, QueryHandler } from '@nestjs/cqrs';
import { IsString } from 'class-validator';
import { defineContract, ModuleFault, nullable, QueryContract } from '../contract/index.js';
import { BoundedModule } from '../bus/index.js';
import { testModule, type TestedModule } from '../testing/index.js';

class Book {
  @IsString() readonly title!: string;
}

/** An entity has what the view has, so the compiler takes it for one. */
class BookRow {
  title = 'Emma';
  secret = 'inner';
}

const bookRow = (): Book => new BookRow();

@QueryContract('books.one.v1', { result: Book })
class One extends Query<Book> {}
@QueryContract('books.all.v1', { result: [Book] })
class All extends Query<Book[]> {}
@QueryContract('books.find.v1', { result: nullable(Book) })
class Find extends Query<Book | null> {}
@QueryContract('books.bad.v1', { result: Book })
class Bad extends Query<Book> {}

@QueryHandler(One)
class OneHandler {
  execute(): Promise<Book> {
    return Promise.resolve(bookRow());
  }
}
@QueryHandler(All)
class AllHandler {
  execute(): Promise<Book[]> {
    return Promise.resolve([Object.assign(new Book(), { title: 'Emma' }), bookRow()]);
  }
}
@QueryHandler(Find)
class FindHandler {
  execute(): Promise<Book> {
    return Promise.resolve(bookRow());
  }
}
@QueryHandler(Bad)
class BadHandler {
  execute(): Promise<Book> {
    return Promise.resolve({ title: 5 } as never);
  }
}

const BooksContract = defineContract({ name: 'books', queries: [One, All, Find, Bad] });

@BoundedModule({ contract: BooksContract, providers: [OneHandler, AllHandler, FindHandler, BadHandler] })
class BooksModule {}

let books: TestedModule;
beforeAll(async () => (books = await testModule(BooksModule)));
afterAll(() => books?.close());

const faultOf = (query: Query<unknown>): Promise<ModuleFault> =>
  books.execute(query).then(
    () => Promise.reject(new Error('the call did not fail')),
    (error: unknown) => error as ModuleFault,
  );

describe('a handler that returns an entity', () => {
  it.each([
    ['as the result', new One(), 'books.one.v1'],
    ['in a list', new All(), 'books.all.v1'],
    ['where null may be', new Find(), 'books.find.v1'],
  ])('is told both classes and the cure: %s', async (_, query, name) => {
    const fault = await faultOf(query);
    expect(fault).toBeInstanceOf(ModuleFault);
    expect(fault.message).not.toContain('BookRow');
    expect(fault.cause).toMatchObject({
      code: 'fledge.wrong-result',
      message: `the handler of ${name} returned an instance of BookRow, but its result is Book. Make Book of it in the handler; an entity does not cross a boundary. A plain object with the fields of Book, and no others, will do.`,
      data: { contract: name, returned: 'BookRow', wanted: 'Book' },
    });
  });

  it('is told the field, if only a field is wrong', async () => {
    expect((await faultOf(new Bad())).cause).toMatchObject({
      code: 'fledge.invalid-message',
      violations: [{ path: 'title', rule: 'type' }],
    });
  });
});

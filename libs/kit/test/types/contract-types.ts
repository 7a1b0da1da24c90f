/**
 * What the compiler accepts and refuses of a contract. Nothing here runs: the type check fails when a line that must be
 * refused is not.
 */
import {
  type Class,
  CommandContract,
  ContractError,
  ErrorContract,
  EventContract,
  enumOf,
  type Fields,
  nullable,
  oneOf,
  type Page,
  pageOf,
  QueryContract,
  recordOf,
  type VariantOf,
} from '@fledge/kit/contract';
import { contextOf, Continues, Handles, OnTimer, type Run, setContext, Starts } from '@fledge/kit';
import { Command, type IQueryHandler, Query } from '@nestjs/cqrs';

export class Book {
  title!: string;
  copies!: number;
}

export class Loan {
  reader!: string;
}

// What `result` says is what the class promises.

@QueryContract('books.one.v1', { result: Book })
export class One extends Query<Book> {}

@QueryContract('books.all.v1', { result: [Book] })
export class All extends Query<Book[]> {}

@QueryContract('books.all.v2', { result: [Book] })
export class AllReadonly extends Query<readonly Book[]> {}

@QueryContract('books.count.v1', { result: Number })
export class Count extends Query<number> {}

@QueryContract('books.titles.v1', { result: [String] })
export class Titles extends Query<string[]> {}

@QueryContract('books.since.v1', { result: Date })
export class Since extends Query<Date> {}

@CommandContract('books.lend.v1', { deadlineMs: 1_000 })
export class Lend extends Command<void> {}

@CommandContract('books.return.v1')
export class Return extends Command<undefined> {}

@QueryContract('books.state.v1', { result: String })
export class State extends Query<'open' | 'closed'> {}

@QueryContract('books.states.v1', { result: [String] })
export class States extends Query<('open' | 'closed')[]> {}

@QueryContract('books.find.v1', { result: nullable(Book) })
export class Find extends Query<Book | null> {}

@QueryContract('books.find-all.v1', { result: nullable([Book]) })
export class FindAll extends Query<Book[] | null> {}

@QueryContract('books.find-title.v1', { result: nullable(String) })
export class FindTitle extends Query<string | null> {}

// @ts-expect-error -- the contract does not say that it may be null
@QueryContract('books.find.v2', { result: Book })
export class FindUnsaid extends Query<Book | null> {}

// @ts-expect-error -- the class does not say that it may be null
@QueryContract('books.find.v3', { result: nullable(Book) })
export class FindSure extends Query<Book> {}

// @ts-expect-error -- another class
@QueryContract('books.find.v4', { result: nullable(Loan) })
export class FindOther extends Query<Book | null> {}

// Unions, records, enums and pages.

export class Card {
  method!: 'card';
}
export class Transfer {
  method!: 'transfer';
  iban!: string;
}
export const Payment = oneOf('method', { card: Card, transfer: Transfer });
export enum Color {
  Red = 'red',
  Blue = 'blue',
}
export enum Level {
  Low,
  High,
}

@QueryContract('books.payment.v1', { result: Payment })
export class Paid extends Query<Card | Transfer> {}

@QueryContract('books.payment.v2', { result: Payment })
export class PaidNamed extends Query<VariantOf<typeof Payment>> {}

@QueryContract('books.payments.v1', { result: [Payment] })
export class AllPaid extends Query<(Card | Transfer)[]> {}

@QueryContract('books.find-payment.v1', { result: nullable(Payment) })
export class FindPaid extends Query<Card | Transfer | null> {}

@QueryContract('books.stock.v1', { result: recordOf(Book) })
export class Stock extends Query<Record<string, Book>> {}

@QueryContract('books.counts.v1', { result: recordOf(Number) })
export class Counts extends Query<Record<string, number>> {}

@QueryContract('books.paid.v1', { result: recordOf(Payment) })
export class PaidBy extends Query<Record<string, Card | Transfer>> {}

@QueryContract('books.color.v1', { result: enumOf(Color) })
export class ColorOf extends Query<Color> {}

@QueryContract('books.levels.v1', { result: [enumOf(Level)] })
export class Levels extends Query<Level[]> {}

@QueryContract('books.page.v1', { result: pageOf(Book) })
export class BookPage extends Query<Page<Book>> {}

@QueryContract('books.pages.v1', { result: nullable(pageOf(pageOf(Payment))) })
export class Pages extends Query<Page<Page<Card | Transfer>> | null> {}

@QueryContract('books.title-page.v1', { result: pageOf(String) })
export class TitlePage extends Query<Page<string>> {}

// @ts-expect-error -- one of the variants is not promised
@QueryContract('books.payment.v3', { result: Payment })
export class PaidByCard extends Query<Card> {}

// @ts-expect-error -- one more than the union has
@QueryContract('books.payment.v4', { result: Payment })
export class PaidByBook extends Query<Card | Transfer | Book> {}

// @ts-expect-error -- a list of one of the variants
@QueryContract('books.payments.v2', { result: [Payment] })
export class CardsPaid extends Query<Card[]> {}

// @ts-expect-error -- a record of something else
@QueryContract('books.stock.v2', { result: recordOf(Loan) })
export class OtherStock extends Query<Record<string, Book>> {}

// @ts-expect-error -- a class, where the contract says a record of it
@QueryContract('books.stock.v3', { result: recordOf(Book) })
export class NoStock extends Query<Book> {}

// @ts-expect-error -- other values than those of the enum
@QueryContract('books.color.v2', { result: enumOf(Color) })
export class LevelOf extends Query<Level> {}

// @ts-expect-error -- one of the values is not promised
@QueryContract('books.color.v3', { result: enumOf(Color) })
export class RedOnly extends Query<Color.Red> {}

// @ts-expect-error -- a page of something else
@QueryContract('books.page.v2', { result: pageOf(Loan) })
export class OtherPage extends Query<Page<Book>> {}

// @ts-expect-error -- a list, where the contract says a page
@QueryContract('books.page.v3', { result: pageOf(Book) })
export class ListNotPage extends Query<Book[]> {}

// A handler that returns an entity instead of the result does not compile, if the entity lacks a field of the result.

export class BookRow {
  id!: string;
  title!: string;
}

export class OneHandler implements IQueryHandler<One> {
  // @ts-expect-error -- a BookRow has no copies
  execute(): Promise<BookRow> {
    return Promise.resolve(new BookRow());
  }
}

// The application's context.

export class Context {
  tenant?: string;
  locale?: 'de' | 'en';
  describe(): string {
    return '';
  }
}

export const useContext = (): (string | undefined)[] => {
  setContext(Context, { tenant: 'acme', locale: null });
  // @ts-expect-error -- no value of the field
  setContext(Context, { locale: 'fr' });
  // @ts-expect-error -- no field of the class
  setContext(Context, { tennant: 'acme' });
  return [contextOf(Context).tenant, contextOf(Context).locale];
};

/** A helper that takes any class cannot know whether it agrees. */
export const answering = (name: string, result: Class) => QueryContract(name, { result });

@answering('books.any.v1', Book)
export class Any extends Query<Book> {}

// A class that promises nothing is the author's own business.
@CommandContract('books.burn.v1', { result: Book })
export class Burn {}

// @ts-expect-error -- another class
@QueryContract('books.one.v3', { result: Loan })
export class OtherClass extends Query<Book> {}

// @ts-expect-error -- one instead of a list
@QueryContract('books.all.v3', { result: Book })
export class NoList extends Query<Book[]> {}

// @ts-expect-error -- a list instead of one
@QueryContract('books.one.v4', { result: [Book] })
export class List extends Query<Book> {}

// @ts-expect-error -- a result that the contract does not name
@CommandContract('books.lend.v2')
export class NoResult extends Command<Book> {}

// @ts-expect-error -- nothing is promised
@CommandContract('books.lend.v3', { result: Book })
export class Nothing extends Command<void> {}

// @ts-expect-error -- another primitive
@QueryContract('books.count.v2', { result: String })
export class OtherPrimitive extends Query<number> {}

// @ts-expect-error -- perhaps nothing is promised, and the contract always answers a book
@QueryContract('books.one.v5', { result: Book })
export class Perhaps extends Query<Book | undefined> {}

// `Fields` has what is data, and nothing else.

@EventContract('books.lent.v1', { key: 'title' })
export class Lent {
  title!: string;
  copies?: number;
  describe(): string {
    return this.title;
  }
  constructor(fields: Fields<Lent>) {
    Object.assign(this, fields);
  }
}

export const lent = [new Lent({ title: 'Emma' }), new Lent({ title: 'Emma', copies: 1 })];
// @ts-expect-error -- a field is missing
export const incomplete = new Lent({ copies: 1 });
// @ts-expect-error -- no field
export const unknownField = new Lent({ title: 'Emma', shelf: 1 });
// @ts-expect-error -- a method is no field
export const withMethod = new Lent({ title: 'Emma', describe: () => '' });

@ErrorContract('books.gone.v1', { hint: 'Ask for another one.' })
export class Gone extends ContractError {
  title!: string;
  constructor(fields: Fields<Gone>) {
    super(`${fields.title} is gone`);
    Object.assign(this, fields);
  }
}

export const gone = new Gone({ title: 'Emma' });
// @ts-expect-error -- the fields of every error, as its message, are not data fields
export const withMessage = new Gone({ title: 'Emma', message: 'gone' });

// The methods of a process take their event and their run.

export class Reminder {
  @Starts(Lent, (event) => event.title)
  start(event: Lent, run: Run<{ title: string }>): void {
    run.note(event.title);
  }

  @Continues(Lent, (event) => event.title)
  again(event: Lent): void {
    void event.copies;
  }

  // @ts-expect-error -- another event
  @Continues(Lent, (event) => event.title)
  other(event: Book): void {
    void event;
  }

  // @ts-expect-error -- no field of the event
  @Continues(Lent, (event) => event.shelf)
  byShelf(event: Lent): void {
    void event;
  }

  @OnTimer('late')
  late(run: Run<{ title: string }>): void {
    run.note('late');
  }
}

// A method handles a message if it takes and returns what the message does.

export class Books {
  @Handles(Find) find(_message: Find): Promise<Book | null> {
    return Promise.resolve(null);
  }
  @Handles(Count, () => ['', 1]) count(_title: string, copies?: number): number {
    return copies ?? 0;
  }
  // @ts-expect-error it returns something else
  @Handles(Count) title(): string {
    return '';
  }
  // @ts-expect-error it takes something else
  @Handles(Count, () => ['']) copies(copies: number): number {
    return copies;
  }
}

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
  type Fields,
  nullable,
  QueryContract,
} from '@fledge/kit/contract';
import { Continues, Handles, OnTimer, type Run, Starts } from '@fledge/kit';
import { Command, Query } from '@nestjs/cqrs';

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

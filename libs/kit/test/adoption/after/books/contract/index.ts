import { defineContract, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { IsInt, IsString } from 'class-validator';

export class BookView {
  @IsInt() id!: number;
  @IsString() title!: string;
  @IsInt() copies!: number;
}

@QueryContract('books.find-books.v1', { result: [BookView] })
export class FindBooks extends Query<BookView[]> {
  @IsInt({ each: true }) readonly ids: readonly number[];
  constructor(ids: readonly number[]) {
    super();
    this.ids = ids;
  }
}

export const BooksContract = defineContract({ name: 'books', queries: [FindBooks], routes: ['/books'] });

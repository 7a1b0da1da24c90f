import { QueryHandler } from '@nestjs/cqrs';
import { BooksService } from './books.service.js';
import { type BookView, FindBooks } from './contract/index.js';

@QueryHandler(FindBooks)
export class FindBooksHandler {
  constructor(private readonly books: BooksService) {}

  async execute({ ids }: FindBooks): Promise<BookView[]> {
    return (await this.books.find(ids)).map((book) => ({ ...book }));
  }
}

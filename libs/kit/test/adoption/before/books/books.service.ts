import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import { Book } from './book.entity.js';
import type { CreateBookDto } from './create-book.dto.js';

@Injectable()
export class BooksService {
  constructor(@InjectRepository(Book) private readonly books: Repository<Book>) {}

  create(book: CreateBookDto): Promise<Book> {
    return this.books.save({ ...book });
  }

  find(ids: readonly number[]): Promise<Book[]> {
    return this.books.findBy({ id: In([...ids]) });
  }
}

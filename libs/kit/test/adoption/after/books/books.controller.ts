import { Body, Controller, Get, NotFoundException, Param, ParseIntPipe, Post } from '@nestjs/common';
import type { Book } from './book.entity.js';
import { BooksService } from './books.service.js';
import { CreateBookDto } from './create-book.dto.js';

@Controller('books')
export class BooksController {
  constructor(private readonly books: BooksService) {}

  @Post()
  create(@Body() book: CreateBookDto): Promise<Book> {
    return this.books.create(book);
  }

  @Get(':id')
  async get(@Param('id', ParseIntPipe) id: number): Promise<Book> {
    const [book] = await this.books.find([id]);
    if (!book) throw new NotFoundException(`there is no book ${id}`);
    return book;
  }
}

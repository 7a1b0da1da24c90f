import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { BooksService } from '../books/books.service.js';
import type { CreateLoanDto } from './create-loan.dto.js';
import { Loan } from './loan.entity.js';

/** A loan as its reader sees it. */
export interface LoanOfBook {
  readonly id: number;
  readonly reader: string;
  readonly title: string | undefined;
}

@Injectable()
export class LoansService {
  constructor(
    @InjectRepository(Loan) private readonly loans: Repository<Loan>,
    private readonly books: BooksService,
  ) {}

  async lend({ bookId, reader }: CreateLoanDto): Promise<LoanOfBook> {
    const [book] = await this.books.find([bookId]);
    if (!book) throw new NotFoundException(`there is no book ${bookId}`);
    const lent = await this.loans.countBy({ bookId });
    if (lent >= book.copies) throw new ConflictException(`all copies of ${book.title} are lent`);
    const { id } = await this.loans.save({ bookId, reader });
    return { id, reader, title: book.title };
  }

  async list(): Promise<LoanOfBook[]> {
    const loans = await this.loans.find({ order: { id: 'asc' } });
    const books = await this.books.find(loans.map((loan) => loan.bookId));
    return loans.map(({ id, reader, bookId }) => ({
      id,
      reader,
      title: books.find((book) => book.id === bookId)?.title,
    }));
  }
}

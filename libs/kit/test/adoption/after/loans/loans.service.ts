import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { FindBooks } from '../books/contract/index.js';
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
    private readonly queries: QueryBus,
  ) {}

  async lend({ bookId, reader }: CreateLoanDto): Promise<LoanOfBook> {
    const [book] = await this.queries.execute(new FindBooks([bookId]));
    if (!book) throw new NotFoundException(`there is no book ${bookId}`);
    const lent = await this.loans.countBy({ bookId });
    if (lent >= book.copies) throw new ConflictException(`all copies of ${book.title} are lent`);
    const { id } = await this.loans.save({ bookId, reader });
    return { id, reader, title: book.title };
  }

  async list(): Promise<LoanOfBook[]> {
    const loans = await this.loans.find({ order: { id: 'asc' } });
    const books = await this.queries.execute(new FindBooks(loans.map((loan) => loan.bookId)));
    return loans.map(({ id, reader, bookId }) => ({
      id,
      reader,
      title: books.find((book) => book.id === bookId)?.title,
    }));
  }
}

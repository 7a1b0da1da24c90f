import { Body, Controller, Get, Post } from '@nestjs/common';
import { CreateLoanDto } from './create-loan.dto.js';
import { type LoanOfBook, LoansService } from './loans.service.js';

@Controller('loans')
export class LoansController {
  constructor(private readonly loans: LoansService) {}

  @Post()
  lend(@Body() loan: CreateLoanDto): Promise<LoanOfBook> {
    return this.loans.lend(loan);
  }

  @Get()
  list(): Promise<LoanOfBook[]> {
    return this.loans.list();
  }
}

import { BoundedModule } from '@fledge/kit';
import { AppContract } from './app.contract.js';
import { BooksContract } from './books/contract/index.js';
import { CreateLoans1700000000001 } from './loans/create-loans.migration.js';
import { LoansModule } from './loans/loans.module.js';

@BoundedModule({
  contract: AppContract,
  uses: [BooksContract],
  migrations: [CreateLoans1700000000001],
  imports: [LoansModule],
})
export class AppModule {}

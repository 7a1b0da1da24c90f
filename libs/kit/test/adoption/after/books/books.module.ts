import { BoundedModule } from '@fledge/kit';
import { Book } from './book.entity.js';
import { BooksController } from './books.controller.js';
import { BooksService } from './books.service.js';
import { BooksContract } from './contract/index.js';
import { CreateBooks1700000000000 } from './create-books.migration.js';
import { FindBooksHandler } from './find-books.handler.js';

@BoundedModule({
  contract: BooksContract,
  entities: [Book],
  migrations: [CreateBooks1700000000000],
  controllers: [BooksController],
  providers: [BooksService, FindBooksHandler],
})
export class BooksModule {}

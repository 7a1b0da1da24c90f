import { BoundedModule } from '@fledge/kit';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Book } from './book.entity.js';
import { BooksController } from './books.controller.js';
import { BooksService } from './books.service.js';
import { BooksContract } from './contract/index.js';
import { CreateBooks1700000000000 } from './create-books.migration.js';
import { FindBooksHandler } from './find-books.handler.js';

@BoundedModule({
  contract: BooksContract,
  migrations: [CreateBooks1700000000000],
  imports: [TypeOrmModule.forFeature([Book])],
  controllers: [BooksController],
  providers: [BooksService, FindBooksHandler],
})
export class BooksModule {}

import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BooksModule } from './books/books.module.js';
import { CreateBooks1700000000000 } from './books/create-books.migration.js';
import { CreateLoans1700000000001 } from './loans/create-loans.migration.js';
import { LoansModule } from './loans/loans.module.js';

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      useFactory: () => ({
        type: 'postgres',
        url: process.env.DATABASE_URL,
        autoLoadEntities: true,
        migrationsRun: true,
        migrations: [CreateBooks1700000000000, CreateLoans1700000000001],
      }),
    }),
    BooksModule,
    LoansModule,
  ],
})
export class AppModule {}

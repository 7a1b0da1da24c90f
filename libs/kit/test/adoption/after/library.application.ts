import type { Application } from '@fledge/kit';
import { AppContract } from './app.contract.js';
import { BooksContract } from './books/contract/index.js';

export const library: Application = {
  name: 'library',
  access: 'open',
  modules: [
    { contract: BooksContract, load: () => import('./books/books.module.js').then((m) => m.BooksModule) },
    { contract: AppContract, load: () => import('./app.module.js').then((m) => m.AppModule) },
  ],
};

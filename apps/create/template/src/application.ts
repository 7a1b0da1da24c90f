import type { Application } from '@fledge/kit';
import { OrdersContract } from './orders/contract/index.js';
import { StockContract } from './stock/contract/index.js';

/** All modules: every process knows the contracts, and loads only the code that it hosts. */
export const application: Application = {
  name: '{{name}}',
  modules: [
    { contract: OrdersContract, load: () => import('./orders/orders.module.js').then((m) => m.OrdersModule) },
    { contract: StockContract, load: () => import('./stock/stock.module.js').then((m) => m.StockModule) },
  ],
};

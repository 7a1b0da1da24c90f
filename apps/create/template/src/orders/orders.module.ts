import { BoundedModule } from '@fledge/kit';
import { StockContract } from '../stock/contract/index.js';
import { OrdersContract } from './contract/index.js';
import { CreateOrders1700000000000 } from './create-orders.migration.js';
import { Fulfilment } from './fulfilment.process.js';
import { Order } from './order.entity.js';
import { OrdersController } from './orders.controller.js';

@BoundedModule({
  contract: OrdersContract,
  uses: [StockContract],
  entities: [Order],
  migrations: [CreateOrders1700000000000],
  controllers: [OrdersController],
  providers: [Fulfilment],
})
export class OrdersModule {}

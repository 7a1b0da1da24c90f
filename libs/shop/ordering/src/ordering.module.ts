import { Authentication, BoundedModule } from '@fledge/kit';
import { CatalogContract } from '@shop/catalog/contract';
import { ACCESS_TOKENS, GetSigningKeys, IdentityContract } from '@shop/identity/contract';
import { InventoryContract } from '@shop/inventory/contract';
import { PaymentsContract } from '@shop/payments/contract';
import { ShippingContract } from '@shop/shipping/contract';
import { OrderingContract } from '../contract/index.js';
import { CancelOrderController } from './cancel-order/cancel-order.controller.js';
import { CancelOrderHandler } from './cancel-order/cancel-order.handler.js';
import { CartController } from './cart/cart.controller.js';
import { Checkout } from './checkout/checkout.process.js';
import { ExpiredOrders } from './checkout/expired-orders.js';
import { GetOrderController } from './get-order/get-order.controller.js';
import { GetOrderHandler } from './get-order/get-order.handler.js';
import { ListOrdersController } from './list-orders/list-orders.controller.js';
import { PlaceOrderController } from './place-order/place-order.controller.js';
import { PlaceOrderHandler } from './place-order/place-order.handler.js';
import { RefundOrderController } from './refund-order/refund-order.controller.js';
import { RefundOrderHandler } from './refund-order/refund-order.handler.js';
import { Refund } from './refund-order/refund.process.js';
import { Settlement } from './settle-orders/settlement.js';
import { OrderingSettings } from './settings.js';
import { CartLineRow } from './storage/cart-line.row.js';
import { CartRepository } from './storage/cart.repository.js';
import { CartRow } from './storage/cart.row.js';
import { CreateOrdering1763800000000 } from './storage/migrations/1763800000000-create-ordering.js';
import { AddCheckout1764000000000 } from './storage/migrations/1764000000000-add-checkout.js';
import { KeepHistory1764100000000 } from './storage/migrations/1764100000000-keep-history.js';
import { KeepPlacingTime1764200000000 } from './storage/migrations/1764200000000-keep-placing-time.js';
import { OrderLineRow } from './storage/order-line.row.js';
import { OrderStepRow } from './storage/order-step.row.js';
import { OrderRepository } from './storage/order.repository.js';
import { OrderRow } from './storage/order.row.js';

/** Carts and orders. */
@BoundedModule({
  contract: OrderingContract,
  uses: [IdentityContract, CatalogContract, InventoryContract, PaymentsContract, ShippingContract],
  entities: [CartRow, CartLineRow, OrderRow, OrderLineRow, OrderStepRow],
  migrations: [
    CreateOrdering1763800000000,
    AddCheckout1764000000000,
    KeepHistory1764100000000,
    KeepPlacingTime1764200000000,
  ],
  settings: OrderingSettings,
  imports: [Authentication.verifiedBy(GetSigningKeys, ACCESS_TOKENS)],
  providers: [
    CartRepository,
    OrderRepository,
    Settlement,
    PlaceOrderHandler,
    CancelOrderHandler,
    RefundOrderHandler,
    GetOrderHandler,
    Checkout,
    Refund,
    ExpiredOrders,
  ],
  controllers: [
    CartController,
    PlaceOrderController,
    ListOrdersController,
    GetOrderController,
    CancelOrderController,
    RefundOrderController,
  ],
})
export class OrderingModule {}

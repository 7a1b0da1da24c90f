/**
 * What other modules may know of ordering: placing, cancelling, refunding and reading orders, and their events.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';
import { CancelOrder } from './cancel-order.command.js';
import { CancelRequested } from './cancel-requested.event.js';
import { GetOrder } from './get-order.query.js';
import { OrderCancelled } from './order-cancelled.event.js';
import { OrderCompleted } from './order-completed.event.js';
import { OrderConfirmed } from './order-confirmed.event.js';
import { OrderPlaced } from './order-placed.event.js';
import { OrderRefunded } from './order-refunded.event.js';
import { OrderShipped } from './order-shipped.event.js';
import { PlaceOrder } from './place-order.command.js';
import { RefundOrder } from './refund-order.command.js';
import { RefundRequested } from './refund-requested.event.js';

export { CancelOrder } from './cancel-order.command.js';
export { CancelRequested } from './cancel-requested.event.js';
export {
  CartChanged,
  CartFull,
  EmptyCart,
  ItemNotInCart,
  ItemOutOfStock,
  ItemUnavailable,
  MixedCurrencies,
  OrderInProgress,
  OrderNotCancellable,
  OrderNotFound,
  OrderNotPlaced,
  OrderNotRefundable,
  QuantityTooLarge,
} from './errors.js';
export { GetOrder } from './get-order.query.js';
export { OrderCancelled } from './order-cancelled.event.js';
export { OrderCompleted } from './order-completed.event.js';
export { OrderConfirmed } from './order-confirmed.event.js';
export { OrderPlaced } from './order-placed.event.js';
export { OrderRefunded } from './order-refunded.event.js';
export { OrderShipped } from './order-shipped.event.js';
export { ORDER_STATES, type OrderState } from './order-state.js';
export { ORDER_HISTORY_MAX, OrderLineView, OrderStepView, OrderView } from './order.view.js';
export { PAYMENT_METHOD } from './payment-method.js';
export { PlaceOrder } from './place-order.command.js';
export { RefundOrder } from './refund-order.command.js';
export { RefundRequested } from './refund-requested.event.js';

/** Ordering: carts and orders. */
export const OrderingContract = defineContract({
  name: 'ordering',
  commands: [PlaceOrder, CancelOrder, RefundOrder],
  queries: [GetOrder],
  events: [
    OrderPlaced,
    CancelRequested,
    OrderConfirmed,
    OrderShipped,
    OrderCompleted,
    OrderCancelled,
    RefundRequested,
    OrderRefunded,
  ],
  routes: ['/cart', '/orders'],
  unknownFields: 'open',
  access: { identity: 'required' },
});

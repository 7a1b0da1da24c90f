/**
 * What other modules may know of ordering: to place, cancel and read orders.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';
import { CancelOrder } from './cancel-order.command.js';
import { GetOrder } from './get-order.query.js';
import { PlaceOrder } from './place-order.command.js';

export { CancelOrder } from './cancel-order.command.js';
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
  QuantityTooLarge,
} from './errors.js';
export { GetOrder } from './get-order.query.js';
export { ORDER_STATES, type OrderState } from './order-state.js';
export { OrderLineView, OrderStepView, OrderView } from './order.view.js';
export { IDEMPOTENCY_KEY_MAX, PlaceOrder } from './place-order.command.js';

/** Ordering: carts and orders. */
export const OrderingContract = defineContract({
  name: 'ordering',
  commands: [PlaceOrder, CancelOrder],
  queries: [GetOrder],
  routes: ['/cart', '/orders'],
});

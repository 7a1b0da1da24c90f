import { ORDER_HISTORY_MAX, OrderLineView, OrderStepView, OrderView } from '../../contract/index.js';
import type { Order } from '../domain/order.js';

/** What other modules see of an order. */
export function viewOf({ id, userId, state, currency, totalMinor, createdAt, lines, history }: Order): OrderView {
  return new OrderView({
    id,
    userId,
    state,
    currency,
    totalMinor,
    createdAt,
    lines: lines.map((line) => new OrderLineView(line)),
    history: history.slice(-ORDER_HISTORY_MAX).map(
      ({ at, what, state: came, reason }) =>
        new OrderStepView({
          at,
          what,
          ...(came !== undefined && { state: came }),
          ...(reason !== undefined && { reason }),
        }),
    ),
  });
}

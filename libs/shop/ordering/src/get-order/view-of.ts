import { OrderLineView, OrderStepView, OrderView } from '../../contract/index.js';
import type { Order } from '../domain/order.js';

/** What other modules see of an order. */
export function viewOf({ id, userId, state, currency, totalMinor, createdAt, lines, history }: Order): OrderView {
  return new OrderView({
    id, userId, state, currency, totalMinor, createdAt,
    lines: lines.map((line) => new OrderLineView(line)),
    history: history.map(({ state: came, at, reason }) => new OrderStepView({ state: came, at, ...(reason !== undefined && { reason }) })),
  });
}

import type { OrderedResult } from '../shop/buyers.js';
import type { Tables } from './tables.js';

/**
 * The final state of the shop, as far as two runs of one seed agree: orders by buyer and number, with their state and
 * their balance in the ledger, and the stock. The time of a cancellation decides whether the money was authorised and
 * released or never requested, so only the sums of the ledger count.
 */
export async function endState(
  tables: Tables,
  results: readonly OrderedResult[],
  products: readonly string[],
): Promise<string> {
  const lines: string[] = [];
  for (const { plan, orderId } of results) {
    const [order] = await tables.rows<{ state: string; total_minor: string }>(
      'select state, total_minor from ordering.orders where id = $1',
      [orderId ?? null],
    );
    const accounts = await tables.lines(
      `select account || ' ' || sum(amount_minor) as line from payments.ledger_entry where order_id = $1 group by account having sum(amount_minor) <> 0 order by account`,
      [orderId ?? null],
    );
    lines.push(
      `buyer ${plan.buyer}, order ${plan.number}, ${plan.paymentMethod}: ${order?.state ?? 'refused'} ${order?.total_minor ?? ''} ${accounts.join(', ')}`.trimEnd(),
    );
  }
  for (const [number, productId] of products.entries()) {
    lines.push(
      ...(await tables.lines(
        `select format('product ${number}: received %s, available %s, reserved %s, sold %s', received, available, reserved, sold) as line from inventory.stock where product_id = $1`,
        [productId],
      )),
    );
  }
  return lines.join('\n');
}

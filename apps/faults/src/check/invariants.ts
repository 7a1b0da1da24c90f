import type { Provider } from '../machine/provider.js';
import type { OrderedResult } from '../shop/buyers.js';
import { brokenDeliveries } from './audit.js';
import { brokenBook } from './book.js';
import type { Tables } from './tables.js';

/** Queries that must never find a row. Each row is a line that says what is wrong. */
const NEVER: readonly string[] = [
  `select format('stock of %s does not add up: received %s, available %s, reserved %s, sold %s', product_id, received, available, reserved, sold) as line
   from inventory.stock where least(received, available, reserved, sold) < 0 or available + reserved + sold <> received`,
  `select format('stock of %s has %s sold and %s reserved, its reservations say %s and %s', s.product_id, s.sold, s.reserved, r.sold, r.reserved) as line
   from inventory.stock s join (
     select l.product_id, coalesce(sum(l.quantity) filter (where r.status = 'confirmed'), 0) as sold, coalesce(sum(l.quantity) filter (where r.status = 'held'), 0) as reserved
     from inventory.reservation_lines l join inventory.reservations r using (order_id) group by l.product_id
   ) r using (product_id) where s.sold <> r.sold or s.reserved <> r.reserved`,
  `select format('the ledger sums to %s %s', sum(amount_minor), currency) as line from payments.ledger_entry group by currency having sum(amount_minor) <> 0`,
  `select format('order %s has %s captures in the ledger', order_id, count(*)) as line from payments.ledger_transaction where kind = 'capture' group by order_id having count(*) > 1`,
  `select format('order %s: %s captured, %s refunded of %s', order_id, captured_minor, refunded_minor, amount_minor) as line
   from payments.payments where captured_minor - refunded_minor not in (0, amount_minor)`,
  `select format('order %s is %s, and %s of it was kept', o.id, o.state, coalesce(p.captured_minor - p.refunded_minor, 0)) as line
   from ordering.orders o left join payments.payments p on p.order_id = o.id
   where coalesce(p.captured_minor - p.refunded_minor, 0) <> case when o.state = 'completed' then o.total_minor else 0 end`,
  `select format('reservation of order %s is %s, the order is %s', r.order_id, r.status, coalesce(o.state, 'not there')) as line
   from inventory.reservations r left join ordering.orders o on o.id = r.order_id
   where r.status = 'held' or (r.status = 'confirmed' and coalesce(o.state, '') not in ('completed', 'refunded')) or (r.status = 'released' and o.state = 'completed')`,
  `select format('order %s is completed, its shipment is %s', o.id, coalesce(s.state, 'not there')) as line
   from ordering.orders o left join shipping.shipments s on s.order_id = o.id where o.state = 'completed' and coalesce(s.state, '') not in ('dispatched', 'delivered')`,
  `select format('order %s is cancelled, its shipment is %s', o.id, s.state) as line
   from ordering.orders o join shipping.shipments s on s.order_id = o.id where o.state = 'cancelled' and s.state not in ('cancelled', 'forbidden')`,
];

/** Everything that is broken, a line each. Call it when everything is at rest. */
export async function brokenInvariants(
  tables: Tables,
  provider: Provider,
  results: readonly OrderedResult[],
): Promise<string[]> {
  const broken: string[] = [];
  for (const query of NEVER) broken.push(...(await tables.lines(query)));
  broken.push(
    ...(await brokenBook(tables, provider)),
    ...(await brokenOrders(tables, results)),
    ...(await brokenDeliveries(tables)),
  );
  for (const schema of await tables.schemas()) {
    broken.push(
      ...(await tables.lines(
        `select format('${schema}: %s of %s is a dead letter of %s: %s', name, key, consumer, history) as line from "${schema}".fledge_dead_letter where state = 'dead'`,
      )),
      ...(await tables.lines(
        `select format('${schema}: process %s of %s failed', name, key) as line from "${schema}".fledge_process where status = 'failed'`,
      )),
    );
  }
  return broken;
}

/** Orders that were answered with a 2xx but did not end. */
async function brokenOrders(tables: Tables, results: readonly OrderedResult[]): Promise<string[]> {
  const accepted = results.flatMap(({ orderId }) => orderId ?? []);
  return tables.lines(
    `select format('order %s was accepted, and is %s', id, coalesce(o.state, 'not there')) as line
     from unnest($1::uuid[]) as id left join ordering.orders o using (id) where coalesce(o.state, '') not in ('completed', 'cancelled', 'refunded')`,
    [accepted],
  );
}

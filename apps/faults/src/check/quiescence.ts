import type { Tables } from './tables.js';

/** What is still in progress, a line each; none if everything is at rest. */
export async function unrest(tables: Tables): Promise<string[]> {
  const found: string[] = [];
  for (const schema of await tables.schemas()) {
    const [counts] = await tables.rows<Record<string, string>>(
      `select (select count(*) from "${schema}".fledge_outbox where sent_at is null) as "messages not sent",
              (select count(*) from "${schema}".fledge_inbox where state in ('ready', 'parked')) as "messages not handled",
              (select count(*) from "${schema}".fledge_process where status = 'running') as "processes running",
              (select count(*) from "${schema}".fledge_timer) as "timers set"`,
    );
    for (const [what, count] of Object.entries(counts ?? {}))
      if (count !== '0') found.push(`${schema}: ${count} ${what}`);
  }
  // work that the modules' own timers take up again
  for (const query of WAITING) found.push(...(await tables.lines(query)));
  return found;
}

const WAITING: readonly string[] = [
  "select format('order %s is %s', id, state) as line from ordering.orders where state not in ('rejected', 'completed', 'refunded', 'cancelled')",
  "select format('reservation of %s is held', order_id) as line from inventory.reservations where status = 'held'",
  "select format('payment of %s is %s', order_id, state) as line from payments.payments where ask_at is not null",
  "select format('shipment of %s is %s', order_id, state) as line from shipping.shipments where due_at is not null",
];

/**
 * How long everything must be still: a message is in no table after its outbox row is marked and before its receiver
 * has stored it.
 */
const CALM_MS = 400;

/** Waits until nothing is in progress any more; returns what still is when the time is up. */
export async function untilQuiescent(tables: Tables, withinMs: number): Promise<string[]> {
  const until = performance.now() + withinMs;
  let calmSince = Infinity;
  for (;;) {
    const found = await unrest(tables);
    const at = performance.now();
    calmSince = found.length === 0 ? Math.min(calmSince, at) : Infinity;
    if (at - calmSince >= CALM_MS || at > until) return found;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

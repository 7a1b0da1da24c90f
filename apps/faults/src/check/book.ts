import type { Provider } from '../machine/provider.js';
import type { Tables } from './tables.js';

/** The fields of a line of the provider's book that the lab reads. */
interface Booked {
  readonly operation: string;
  readonly outcome: string;
  readonly reference: string;
  readonly orderId: string;
  readonly amountMinor: number;
}

/** The differences between the provider's book and our ledger, a line each, and errors in the book itself. */
export async function brokenBook(tables: Tables, provider: Provider): Promise<string[]> {
  const booked = (await provider.entries<Booked>()).filter(({ outcome }) => outcome === 'approved');
  const posted = await tables.rows<{ order_id: string; kind: string; amount: string }>(
    `select t.order_id, t.kind, max(e.amount_minor) as amount from payments.ledger_transaction t join payments.ledger_entry e on e.transaction_id = t.id group by t.id`,
  );
  const inBook = tally(
    booked.map(({ orderId, operation, amountMinor }) => `${operation} of ${amountMinor} for order ${orderId}`),
  );
  const inLedger = tally(posted.map(({ order_id, kind, amount }) => `${kind} of ${amount} for order ${order_id}`));
  const differences = [...new Set([...inBook.keys(), ...inLedger.keys()])].flatMap((what) => {
    const [book, ledger] = [inBook.get(what) ?? 0, inLedger.get(what) ?? 0];
    return book === ledger ? [] : [`${what}: ${book} in the provider's book, ${ledger} in the ledger`];
  });
  return [...differences, ...twice(booked), ...leftOpen(booked)];
}

function tally(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

/** Orders that the provider charged more than once. */
function twice(booked: readonly Booked[]): string[] {
  const captures = tally(booked.filter(({ operation }) => operation === 'capture').map(({ orderId }) => orderId));
  return [...captures].flatMap(([orderId, count]) =>
    count > 1 ? [`order ${orderId} was charged ${count} times by the provider's book`] : [],
  );
}

/** Money that is still authorised: everything is at rest, so nobody will capture or release it. */
function leftOpen(booked: readonly Booked[]): string[] {
  const ended = new Set(
    booked.filter(({ operation }) => operation === 'capture' || operation === 'void').map(({ reference }) => reference),
  );
  return booked.flatMap(({ operation, reference, orderId }) =>
    operation === 'authorise' && !ended.has(reference)
      ? [`the provider sets money aside for order ${orderId} for ever`]
      : [],
  );
}

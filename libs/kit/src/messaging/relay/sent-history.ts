import type { SentHistory, StoredMessage } from '../../transport/index.js';
import type { Sql } from '../storage/sql.js';

const ROWS_MAX = 500;

interface SentRow extends Omit<StoredMessage, 'source' | 'target' | 'occurredAt'> {
  readonly seq: string;
  readonly createdAt: Date;
}

/**
 * What a module has published and retains: the rows of its outbox. Includes those not marked as sent: they may be on
 * their way to consumers that already existed.
 */
export function sentHistoryOf(module: string, sql: Sql): SentHistory {
  return { module, read: (names) => read(module, sql, names) };
}

async function* read(module: string, sql: Sql, names: readonly string[]): AsyncIterable<readonly StoredMessage[]> {
  const own = names.filter((name) => name.startsWith(`${module}.`));
  for (let after = '0'; own.length > 0;) {
    const rows = await sql.rows<SentRow>(
      `select seq, id, kind, name, key, payload, headers, created_at as "createdAt" from fledge_outbox
       where seq > $1 and kind = 'event' and regexp_replace(name, '\\.v[0-9]+$', '') = any($2) order by seq limit ${ROWS_MAX}`,
      [after, own],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.seq;
    yield rows.map(({ createdAt, ...row }) => ({
      ...row,
      source: module,
      target: undefined,
      occurredAt: createdAt.toISOString(),
    }));
  }
}

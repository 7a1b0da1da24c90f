import { FledgeError } from '../../contract/index.js';
import type { Sql } from '../storage/sql.js';

/** The most rows that one statement marks, so that none holds locks for long. */
export const REPLAY_ROWS_MAX = 1_000;

/** Which messages are to be sent again: those published in this time. */
export interface ReplaySpan {
  readonly since: Date;
  /** Exclusive. Default: no end. */
  readonly until?: Date;
}

/** Some messages of the time to be sent again are already deleted. Nothing was marked. */
export class ReplayTooOld extends FledgeError {
  readonly code = 'fledge.replay-too-old';
  readonly kind = 'conflict';
  readonly outcome = 'rejected';
  readonly hint: string;
  readonly data: Readonly<Record<string, unknown>>;
  constructor(module: string, since: Date, keptSince: Date) {
    super(
      `${module} keeps only what was published after ${keptSince.toISOString()}, and ${since.toISOString()} is before that`,
    );
    this.hint = `What was sent is deleted after the \`sent\` of the topology's \`retention\`. For all that is left, use ${keptSince.toISOString()}.`;
    this.data = { module, since: since.toISOString(), keptSince: keptSince.toISOString() };
  }
}

// In the order of their sequence numbers, so that what a relay sends in the meantime keeps the order of each key.
const MARK = `
with chosen as materialized (
  select seq from fledge_outbox where seq > $1::bigint and seq <= $2::bigint and sent_at is not null and created_at >= $3 and ($4::timestamptz is null or created_at < $4)
  order by seq limit ${REPLAY_ROWS_MAX}
), marked as (
  update fledge_outbox o set sent_at = null, sent_via = null from chosen where o.seq = chosen.seq and o.sent_at is not null returning o.seq
)
select (select count(*)::int from marked) as marked, (select max(seq) from chosen) as last`;

/**
 * Checks that everything of a span is still kept.
 * @throws ReplayTooOld
 */
export async function checkReplay(sql: Sql, module: string, { since }: ReplaySpan): Promise<void> {
  // the text has whole milliseconds: the first one after what is deleted
  const [deleted] = await sql.rows<{ keptSince: Date }>(
    `select date_trunc('milliseconds', created_until) + interval '1 ms' as "keptSince" from fledge_outbox_deleted`,
  );
  if (deleted && since < deleted.keptSince) throw new ReplayTooOld(module, since, deleted.keptSince);
}

/**
 * Marks what a module has sent and retains as unsent, so that its relays send it again, with the same ids: consumers
 * that have handled a message recognize it, and those that never got it handle it. Safe to repeat. Returns how many
 * messages.
 * @throws ReplayTooOld before anything is marked.
 */
export async function replay(sql: Sql, module: string, span: ReplaySpan): Promise<number> {
  await checkReplay(sql, module, span);
  // later messages are sent anyway; without an end, this would never finish in a busy module
  const [end] = await sql.rows<{ last: string | null }>('select max(seq) as last from fledge_outbox');
  let marked = 0;
  for (let after: string | null = '0'; after !== null && end?.last != null;) {
    const [round]: { marked: number; last: string | null }[] = await sql.rows<{ marked: number; last: string | null }>(
      MARK,
      [after, end.last, span.since, span.until ?? null],
    );
    marked += round?.marked ?? 0;
    after = round?.last ?? null;
  }
  return marked;
}

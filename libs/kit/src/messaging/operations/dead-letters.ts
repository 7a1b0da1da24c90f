import { FledgeError } from '../../contract/index.js';
import type { FailedAttempt } from '../consumers/consumer.js';
import { partitionOf } from '../storage/partitions.js';
import type { Sql } from '../storage/sql.js';

/** What happened to a dead letter: nothing yet, sent again, or given up for good. */
export type DeadLetterState = 'dead' | 'resent' | 'abandoned';

/** A dead letter in a list. */
export interface DeadLetterSummary {
  readonly consumer: string;
  readonly messageId: string;
  /** Wire name. */
  readonly name: string;
  /** The module that sent it. */
  readonly source: string;
  readonly key: string;
  readonly attempts: number;
  readonly reason: string;
  readonly state: DeadLetterState;
  /** ISO 8601, by the clock of the database. */
  readonly diedAt: string;
}

/** A dead letter with all stored details. */
export interface DeadLetter extends DeadLetterSummary {
  /** JSON text. */
  readonly payload: string;
  readonly occurredAt: string;
  readonly history: readonly FailedAttempt[];
}

/** Which dead letters to list; an absent field matches all of them. */
export interface DeadLetterFilter {
  readonly consumer?: string;
  /** Default `dead`. */
  readonly state?: DeadLetterState;
  /** 1 to 1,000; default 100. */
  readonly limit?: number;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

const iso = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const SUMMARY = `consumer, message_id as "messageId", name, source, key, attempts, reason, state, ${iso('died_at')} as "diedAt"`;

// A message that is sent again gets a position before all others of its key, behind a hold that is due if the key has
// one. One that is no longer in the inbox is stored again.
const RESEND = `
with again as (
  update fledge_dead_letter set state = 'resent', settled_at = clock_timestamp() where consumer = $1 and message_id = any($2::uuid[]) and state = 'dead' returning *
), held as (
  update fledge_hold h set due_at = clock_timestamp() from (select distinct key from again) k where h.consumer = $1 and h.key = k.key returning h.key
), back as (
  insert into fledge_inbox (consumer, message_id, partition, source, kind, name, key, payload, headers, occurred_at, state, history)
  select consumer, message_id, ${partitionOf('key')}, source, kind, name, key, payload, headers, occurred_at, case when key in (select key from held) then 'parked' else 'ready' end, history from again
  on conflict (consumer, message_id) do update set state = excluded.state, attempts = 0, starts = 0, ended_at = null
  returning 1
)
select count(*)::int as resent from back`;

const ABANDON = `
with gone as (
  update fledge_dead_letter set state = 'abandoned', settled_at = clock_timestamp() where consumer = $1 and message_id = $2 and state = 'dead' returning key
), ended as (
  update fledge_inbox set state = 'abandoned', ended_at = clock_timestamp() where consumer = $1 and message_id = $2 and exists (select from gone)
), released as (
  update fledge_hold h set due_at = clock_timestamp() from gone where h.consumer = $1 and h.key = gone.key and h.due_at is null
)
select count(*)::int as abandoned from gone`;

/** The dead letter to send again or abandon does not exist, or is already settled. */
export class NoDeadLetter extends FledgeError {
  readonly code = 'fledge.no-dead-letter';
  readonly kind = 'not-found';
  readonly outcome = 'rejected';
  readonly hint = 'List those that there are; one that was sent again or abandoned is settled.';
  readonly data: Readonly<Record<string, unknown>>;
  constructor(consumer: string, messageId: string) {
    super(`${consumer} has no dead letter ${messageId} that is not settled`);
    this.data = { consumer, messageId };
  }
}

/** The dead letters of a module, the newest first. */
export function listDeadLetters(
  sql: Sql,
  { consumer, state = 'dead', limit = LIMIT_DEFAULT }: DeadLetterFilter = {},
): Promise<DeadLetterSummary[]> {
  return sql.rows<DeadLetterSummary>(
    `select ${SUMMARY} from fledge_dead_letter where ($1::text is null or consumer = $1) and state = $2 order by died_at desc, message_id limit $3`,
    [consumer ?? null, state, Math.min(Math.max(limit, 1), LIMIT_MAX)],
  );
}

/** A dead letter with its history; `undefined` if there is none. */
export async function showDeadLetter(sql: Sql, consumer: string, messageId: string): Promise<DeadLetter | undefined> {
  const [letter] = await sql.rows<DeadLetter>(
    `select ${SUMMARY}, payload, ${iso('occurred_at')} as "occurredAt", history from fledge_dead_letter where consumer = $1 and message_id = $2`,
    [consumer, messageId],
  );
  return letter;
}

/**
 * Sends dead letters of one consumer again, with their ids, to that consumer only. Skips settled ones; returns how many
 * were sent.
 */
export async function resendDeadLetters(sql: Sql, consumer: string, messageIds: readonly string[]): Promise<number> {
  const [row] = await sql.rows<{ resent: number }>(RESEND, [consumer, messageIds]);
  return row?.resent ?? 0;
}

/** The most dead letters that one statement looks for. */
const BATCH_MAX = 500;

/** The ids of all current dead letters of a consumer, oldest first, in batches. */
export async function* everyDeadLetter(sql: Sql, consumer: string): AsyncIterable<readonly string[]> {
  // a message that dies from now on, or again, is left for the next time
  const [begun] = await sql.rows<{ at: string }>('select clock_timestamp()::text as at');
  for (let [diedAt, id] = ['-infinity', '00000000-0000-0000-0000-000000000000']; ;) {
    const letters = await sql.rows<{ id: string; diedAt: string }>(
      `select message_id as id, died_at::text as "diedAt" from fledge_dead_letter
       where consumer = $1 and state = 'dead' and died_at <= $2::timestamptz and (died_at, message_id) > ($3::timestamptz, $4::uuid) order by died_at, message_id limit ${BATCH_MAX}`,
      [consumer, begun?.at, diedAt, id],
    );
    const last = letters.at(-1);
    if (!last) return;
    yield letters.map((letter) => letter.id);
    [diedAt, id] = [last.diedAt, last.id];
  }
}

/**
 * Gives a dead letter up for good; the messages that waited behind it continue.
 * @throws NoDeadLetter
 */
export async function abandonDeadLetter(sql: Sql, consumer: string, messageId: string): Promise<void> {
  const [row] = await sql.rows<{ abandoned: number }>(ABANDON, [consumer, messageId]);
  if (!row?.abandoned) throw new NoDeadLetter(consumer, messageId);
}

/** The dead letters of a module, for code that operates it. Injectable. */
export class DeadLetters {
  constructor(private readonly sql: Sql) {}

  /** The newest first. */
  list(filter?: DeadLetterFilter): Promise<DeadLetterSummary[]> {
    return listDeadLetters(this.sql, filter);
  }

  /** With its payload and the history of its attempts; `undefined` if there is none. */
  show(consumer: string, messageId: string): Promise<DeadLetter | undefined> {
    return showDeadLetter(this.sql, consumer, messageId);
  }

  /**
   * Sends one again, with the same id, only to the consumer that failed; it goes before the waiting messages of its
   * key.
   * @throws NoDeadLetter
   */
  async resend(consumer: string, messageId: string): Promise<void> {
    if ((await resendDeadLetters(this.sql, consumer, [messageId])) === 0) throw new NoDeadLetter(consumer, messageId);
  }

  /**
   * Gives one up for good; the messages that waited behind it continue.
   * @throws NoDeadLetter
   */
  abandon(consumer: string, messageId: string): Promise<void> {
    return abandonDeadLetter(this.sql, consumer, messageId);
  }
}

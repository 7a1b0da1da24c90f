import { currentCall } from '../../boundary/index.js';
import type { SingletonJob } from '../singletons/singletons.js';
import type { Sql } from '../storage/sql.js';

const DAY_MS = 86_400_000;

/** How long finished rows are kept, in milliseconds. */
export interface Retention {
  /** Sent messages: what can be sent again when a broker's data is lost. Default three days. */
  readonly sentMs: number;
  /** Handled messages, by which consumers recognize duplicates. Not shorter than `sentMs`. Default seven days. */
  readonly handledMs: number;
  /** Dead letters, settled or not. Default 90 days. */
  readonly deadLettersMs: number;
  /** Finished runs of processes. Default 30 days. */
  readonly processesMs: number;
}

/** The defaults of `Retention`. */
export const RETENTION_DEFAULT: Retention = {
  sentMs: 3 * DAY_MS,
  handledMs: 7 * DAY_MS,
  deadLettersMs: 90 * DAY_MS,
  processesMs: 30 * DAY_MS,
};

/** The most rows that one statement deletes, so that none holds locks for long. */
export const SWEEP_ROWS_MAX = 1_000;
const SWEEP_EVERY_MS = 300_000;

/** Deletes rows of the outbox and records up to when, so that a replay knows what is missing. */
const forget = (seqs: string): string => `
with gone as (delete from fledge_outbox where seq in (${seqs}) returning created_at), told as (
  insert into fledge_outbox_deleted (created_until) select max(created_at) from gone having count(*) > 0
  on conflict ("only") do update set created_until = greatest(fledge_outbox_deleted.created_until, excluded.created_until)
)
select 1 from gone`;

const before = (column: string): string => `${column} < clock_timestamp() - $1 * interval '1 ms'`;
// A message that was sent again by hand counts as newly sent, but is still deleted before its consumers forget that
// they have handled it. A message that waits for an operator stays in the inbox as long as its dead letter does; what
// waits behind it continues when it is deleted.
const SWEEPS: readonly (readonly [keyof Retention, string])[] = [
  [
    'sentMs',
    forget(`select seq from fledge_outbox where ${before('sent_at')} order by sent_at limit ${SWEEP_ROWS_MAX}`),
  ],
  [
    'handledMs',
    forget(
      `select seq from (select seq, sent_at, created_at from fledge_outbox order by seq limit ${SWEEP_ROWS_MAX}) oldest where sent_at is not null and ${before('created_at')}`,
    ),
  ],
  [
    'handledMs',
    `delete from fledge_inbox where ctid in (select ctid from fledge_inbox where ${before('ended_at')} and state in ('handled', 'abandoned') order by ended_at limit ${SWEEP_ROWS_MAX}) returning 1`,
  ],
  [
    'deadLettersMs',
    `with gone as (
      delete from fledge_inbox where ctid in (select ctid from fledge_inbox where ${before('ended_at')} and state = 'dead' order by ended_at limit ${SWEEP_ROWS_MAX}) returning consumer, key
    ), released as (
      update fledge_hold h set due_at = clock_timestamp() where h.due_at is null and (h.consumer, h.key) in (select consumer, key from gone)
    )
    select 1 from gone`,
  ],
  [
    'deadLettersMs',
    `delete from fledge_dead_letter where ctid in (select ctid from fledge_dead_letter where ${before('died_at')} order by died_at limit ${SWEEP_ROWS_MAX}) returning 1`,
  ],
  [
    'processesMs',
    `delete from fledge_process where ctid in (select ctid from fledge_process where ${before('finished_at')} order by finished_at limit ${SWEEP_ROWS_MAX}) returning 1`,
  ],
];

/** Keys and counts of requests, which say themselves how long they are kept. */
const EXPIRED = [
  `delete from fledge_idempotency where ctid in (select ctid from fledge_idempotency where expires_at < clock_timestamp() order by expires_at limit ${SWEEP_ROWS_MAX}) returning 1`,
  `delete from fledge_rate where ctid in (select ctid from fledge_rate where resets_at < clock_timestamp() order by resets_at limit ${SWEEP_ROWS_MAX}) returning 1`,
];

/** Deletes what has passed its retention; returns how many rows. Stops early when `isOver` returns true. */
export async function sweep(sql: Sql, retention: Retention, isOver: () => boolean = () => false): Promise<number> {
  let deleted = 0;
  const all = [
    ...SWEEPS.map(([kept, statement]) => [statement, [retention[kept]]] as const),
    ...EXPIRED.map((statement) => [statement, []] as const),
  ];
  for (const [statement, parameters] of all) {
    for (let rows = SWEEP_ROWS_MAX; rows === SWEEP_ROWS_MAX && !isOver(); deleted += rows)
      rows = (await sql.rows(statement, parameters)).length;
  }
  return deleted;
}

/**
 * Keeps a module's messaging tables bounded, on one replica at a time. Its name cannot collide with a method's, which
 * has no colon.
 */
export function retentionJob(sql: Sql, retention: Retention): SingletonJob {
  return {
    name: 'kit:retention',
    everyMs: SWEEP_EVERY_MS,
    run: () => sweep(sql, retention, () => currentCall()?.signal.aborted ?? false),
  };
}

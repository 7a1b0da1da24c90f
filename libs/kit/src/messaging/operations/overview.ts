import { PARTITIONS } from '../storage/partitions.js';
import type { Sql } from '../storage/sql.js';

/**
 * The limit of counting: larger numbers are reported as this one. Bounds the time of a query, however much has piled
 * up.
 */
export const COUNT_MAX = 100_000;
/** The most held keys in which the oldest waiting message is searched for. */
const HELD_KEYS_MAX = 1_000;

/** The state of a module's messages: its outbox, and each of its consumers. */
export interface Overview {
  readonly outbox: OutboxState;
  /** Sorted by name. */
  readonly consumers: readonly ConsumerState[];
  /** Of its processes. */
  readonly timers: TimersState;
}

/** The timers of a module's processes. */
export interface TimersState {
  /** Timers whose time has come and that have not been delivered, up to the limit of counting. */
  readonly due: number;
  /** Milliseconds since the first of them was due; `null` when there is none. */
  readonly overdueMs: number | null;
}

/** The messages that a module has stored to be sent. */
export interface OutboxState {
  /** Messages that are not sent yet, up to the limit of counting. */
  readonly unsent: number;
  /** Milliseconds since the oldest of them was stored; `null` when there is none. */
  readonly oldestMs: number | null;
}

/** The state of one consumer. Counts go up to the limit of counting. */
export interface ConsumerState {
  readonly name: string;
  readonly kind: 'event' | 'command';
  /** Messages in the inbox that it still has to handle, including those behind a hold. */
  readonly waiting: number;
  /** Keys that wait for a retry, or for an operator to settle a dead letter. */
  readonly heldKeys: number;
  /** Dead letters that are not settled. */
  readonly dead: number;
  /** Milliseconds that the oldest waiting message has been in the inbox; `null` when nothing waits. */
  readonly oldestMs: number | null;
  /** Milliseconds since the oldest waiting message was published; `null` when nothing waits. */
  readonly lagMs: number | null;
  /** For a process: its failed runs. `null` for any other consumer, and for a process that has never run. */
  readonly failedRuns: number | null;
  /** For a process: its runs that have neither ended nor failed. */
  readonly runningRuns: number;
  /** Milliseconds since the oldest of these runs began; `null` when there is none. */
  readonly oldestRunMs: number | null;
}

interface OverviewRow {
  readonly unsent: number;
  readonly oldestMs: number | null;
  readonly consumers: readonly ConsumerState[];
  readonly due: number;
  readonly overdueMs: number | null;
}

const count = (from: string): string => `(select count(*)::int from (select from ${from} limit $1) counted)`;
// `greatest` ignores nulls
const sinceMs = (time: string): string =>
  `(case when ${time} is not null then round(greatest(extract(epoch from clock_timestamp() - ${time}), 0) * 1000)::float8 end)`;

// Each count ends at its limit, and each oldest row is the first of an index.
const OVERVIEW = `
select ${count('fledge_outbox where sent_at is null')} as unsent,
  (select ${sinceMs('min(first.created_at)')} from generate_series(0, ${PARTITIONS - 1}) part cross join lateral (
    select created_at from fledge_outbox o where o.partition = part::smallint and o.sent_at is null order by o.sent_at, o.seq limit 1) first) as "oldestMs",
  ${count('fledge_timer where due_at < statement_timestamp()')} as due,
  ${sinceMs('(select min(due_at) from fledge_timer where due_at < statement_timestamp())')} as "overdueMs",
  (select coalesce(json_agg(state order by state.name), '[]') from (
    select c.name, c.kind,
      ${count(`fledge_inbox i where i.consumer = c.name and i.state = 'ready'`)} + ${count(`fledge_inbox i where i.consumer = c.name and i.state = 'parked'`)} as waiting,
      ${count('fledge_hold h where h.consumer = c.name')} as "heldKeys",
      ${count(`fledge_dead_letter d where d.consumer = c.name and d.state = 'dead'`)} as dead,
      oldest."oldestMs", oldest."lagMs",
      case when exists (select from fledge_process p where p.name = c.name) then ${count(`fledge_process p where p.name = c.name and p.status = 'failed'`)} end as "failedRuns",
      ${count(`fledge_process p where p.name = c.name and p.status = 'running'`)} as "runningRuns",
      ${sinceMs(`(select min(started_at) from fledge_process p where p.name = c.name and p.status = 'running')`)} as "oldestRunMs"
    from fledge_consumer c cross join lateral (
      select ${sinceMs('min(received_at)')} as "oldestMs", ${sinceMs('min(occurred_at)')} as "lagMs" from (
        select ready.* from generate_series(0, ${PARTITIONS - 1}) part cross join lateral (
          select received_at, occurred_at from fledge_inbox i where i.consumer = c.name and i.partition = part::smallint and i.state = 'ready' order by i.position limit 1) ready
        union all
        select parked.* from (select key from fledge_hold h where h.consumer = c.name limit ${HELD_KEYS_MAX}) held cross join lateral (
          select received_at, occurred_at from fledge_inbox i where i.consumer = c.name and i.key = held.key and i.state = 'parked' order by i.position limit 1) parked
      ) waiting
    ) oldest
  ) state) as consumers`;

/**
 * Reads the state of a module's messages once, in one statement of bounded cost.
 * @param countMax where each count ends; default 100,000.
 */
export async function overview(sql: Sql, countMax: number = COUNT_MAX): Promise<Overview> {
  const [row] = await sql.rows<OverviewRow>(OVERVIEW, [countMax]);
  if (!row) throw new Error('PostgreSQL answered a look at the messages with no row');
  const { unsent, oldestMs, consumers, due, overdueMs } = row;
  return {
    outbox: { unsent, oldestMs },
    timers: { due, overdueMs },
    consumers: consumers.map((state) => ({ ...state, waiting: Math.min(state.waiting, countMax) })),
  };
}

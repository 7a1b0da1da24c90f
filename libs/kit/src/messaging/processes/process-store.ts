import type { MessageHeaders } from '../../transport/index.js';
import { partitionOf } from '../storage/partitions.js';
import type { Sql } from '../storage/sql.js';
import { hasFailedOn, type HistoryEntry, isWhole } from './history.js';

/** The status of a run. */
export type RunStatus = 'running' | 'failed' | 'finished';

/** A run as it is stored, locked until the end of the transaction. */
export interface StoredRun {
  /** JSON; `null` when its first event was never handled successfully. */
  readonly state: unknown;
  readonly status: RunStatus;
  readonly history: readonly HistoryEntry[];
  /** Now, by the clock of the database. */
  readonly now: Date;
}

/** What to store of a run. */
export interface RunChange {
  /** JSON text. */
  readonly state: string;
  readonly status: RunStatus;
  readonly outcome: string | undefined;
  readonly history: readonly HistoryEntry[];
  /** By the name of the timer: how it is set, or `null` to cancel it. */
  readonly timers: ReadonlyMap<string, TimerChange | null>;
}

/** How a timer is set. */
export interface TimerChange {
  readonly inMs: number;
  /** What accompanies its message. */
  readonly headers: MessageHeaders;
}

/** The most timers that one statement moves. */
export const MOVE_MAX = 500;

/** The prefix of a timer message's name in the inbox, before the name of the timer. */
export const TIMER_PREFIX = 'timer:';

// Waits for a transaction that is creating the same run, and then finds that run.
const START = `
insert into fledge_process (name, key, state) values ($1, $2, 'null')
on conflict (name, key) do update set changed_at = fledge_process.changed_at
returning state, status, history, clock_timestamp() as now`;

const LOCK = `select state, status, history, clock_timestamp() as now from fledge_process where name = $1 and key = $2 for update`;

const SAVE = `
with changed as (
  select * from json_to_recordset($7::json) as c(name text, in_ms float8, headers jsonb)
), gone as (
  delete from fledge_timer where process = $1 and key = $2 and ($4 = 'finished' or name in (select name from changed where in_ms is null))
), made as (
  insert into fledge_timer (process, key, name, due_at, headers)
  select $1, $2, name, clock_timestamp() + in_ms * interval '1 ms', headers from changed where in_ms is not null and $4 <> 'finished'
  on conflict (process, key, name) do update set id = gen_random_uuid(), due_at = excluded.due_at, set_at = excluded.set_at, headers = excluded.headers
)
update fledge_process set state = $3::jsonb, status = $4, outcome = $5, history = $6::jsonb, changed_at = clock_timestamp(),
  finished_at = case when $4 = 'finished' then clock_timestamp() end
where name = $1 and key = $2`;

// Timers that were set after the clock changed already use the new clock: `set_at` shows which. The response times of
// two database queries may differ by a second.
const SHIFT = `
with shifted as (
  update fledge_timer set due_at = due_at + $1 * interval '1 ms', set_at = set_at + $1 * interval '1 ms'
  where due_at < 'infinity' and not (set_at between greatest(to_timestamp($2::float8 / 1000) - interval '1 second', clock_timestamp() - abs($1::float8) / 2 * interval '1 ms') and clock_timestamp())
)
update fledge_hold set due_at = clock_timestamp() where due_at > clock_timestamp()`;

const START_FAILED = `
insert into fledge_process (name, key, state, status, history)
values ($1, $2, 'null', 'failed', $3::jsonb)
on conflict (name, key) do nothing
returning 1`;

// The row stays, with its id, until its message is handled: a run that cancels or replaces the timer in the meantime
// makes the message void. Stores into the inbox as `Inbox` does: under its lock, so that positions become visible in
// order, and as ready, so that earlier messages are parked before it.
const MOVE = `
with due as materialized (
  select process, key, name, id, due_at, headers from fledge_timer
  where due_at <= clock_timestamp() and ($2::float8 is null or due_at <= to_timestamp($2 / 1000) + interval '5 seconds') order by due_at limit ${MOVE_MAX} for update skip locked
), locked as materialized (
  select pg_advisory_xact_lock(hashtextextended('inbox:' || current_schema(), 0)) where exists (select from due)
), moved as (
  update fledge_timer t set due_at = 'infinity' from due where t.process = due.process and t.key = due.key and t.name = due.name
), stored as (
  insert into fledge_inbox (consumer, message_id, partition, source, kind, name, key, payload, headers, occurred_at)
  select process, id, ${partitionOf('key')}, $1, 'event', '${TIMER_PREFIX}' || name, key, '{}', headers, due_at
  from due, (select count(*) from locked) all_locked order by due_at
  on conflict (consumer, message_id) do nothing
)
select (select count(*)::int from due) as moved,
  (select extract(epoch from min(due_at) - clock_timestamp())::float8 * 1000 from fledge_timer where due_at > clock_timestamp() and due_at < 'infinity') as "nextInMs"`;

/** The tables `fledge_process` and `fledge_timer` of a module. */
export class ProcessStore {
  constructor(private readonly sql: Sql) {}

  /** Locks a run, and creates it if there is none. */
  async start(process: string, key: string): Promise<StoredRun> {
    const [run] = await this.sql.rows<StoredRun>(START, [process, key]);
    return run as StoredRun;
  }

  /** Locks a run, if there is one. */
  async lock(process: string, key: string): Promise<StoredRun | undefined> {
    const [run] = await this.sql.rows<StoredRun>(LOCK, [process, key]);
    return run;
  }

  /** Stores a locked run, with its timers. */
  async save(process: string, key: string, { state, status, outcome, history, timers }: RunChange): Promise<void> {
    const changed = [...timers].map(([name, timer]) => ({ name, in_ms: timer?.inMs ?? null, headers: timer?.headers }));
    await this.sql.rows(SAVE, [
      process,
      key,
      state,
      status,
      outcome ?? null,
      JSON.stringify(history),
      JSON.stringify(changed),
    ]);
  }

  /** Stores the history and status of a locked run. */
  async record(process: string, key: string, status: RunStatus, history: readonly HistoryEntry[]): Promise<void> {
    await this.sql.rows(
      'update fledge_process set status = $3, history = $4::jsonb, changed_at = clock_timestamp() where name = $1 and key = $2',
      [process, key, status, JSON.stringify(history)],
    );
  }

  /** Creates a run that failed at its start, so that it is visible. Returns whether there was none. */
  async startFailed(process: string, key: string, history: readonly HistoryEntry[]): Promise<boolean> {
    return (await this.sql.rows(START_FAILED, [process, key, JSON.stringify(history)])).length > 0;
  }

  /** Deletes a timer of a locked run. Returns whether it was still set under this id. */
  async takeTimer(process: string, key: string, name: string, id: string): Promise<boolean> {
    return (
      (
        await this.sql.rows(
          'delete from fledge_timer where process = $1 and key = $2 and name = $3 and id = $4 returning 1',
          [process, key, name, id],
        )
      ).length > 0
    );
  }

  /** Whether one of these dead letters is not settled yet. */
  async hasDead(process: string, ids: readonly string[]): Promise<boolean> {
    if (ids.length === 0) return false;
    return (
      (
        await this.sql.rows(
          "select 1 from fledge_dead_letter where consumer = $1 and message_id = any($2::uuid[]) and state = 'dead' limit 1",
          [process, ids],
        )
      ).length > 0
    );
  }

  /**
   * Whether a run failed on a message before: by its history or, if that may have dropped it, by the dead letter that
   * was sent again.
   */
  async wasDead(process: string, history: readonly HistoryEntry[], id: string): Promise<boolean> {
    if (hasFailedOn(history, id)) return true;
    return (
      !isWhole(history) &&
      (await this.sql.rows('select 1 from fledge_dead_letter where consumer = $1 and message_id = $2', [process, id]))
        .length > 0
    );
  }

  /** Whether a message has yet to be handled. */
  async isWaiting(process: string, id: string): Promise<boolean> {
    return (
      (
        await this.sql.rows(
          "select 1 from fledge_inbox where consumer = $1 and message_id = $2 and state in ('ready', 'parked')",
          [process, id],
        )
      ).length > 0
    );
  }

  /**
   * Adjusts timers to a change of the database's clock: each stays due after the time that it was set for. What waits
   * for a retry is retried at once.
   * @param sinceMs when the clock changed, by the clock as it is set now, in milliseconds since 1970.
   */
  async followClock(byMs: number, sinceMs: number): Promise<void> {
    await this.sql.rows(SHIFT, [byMs, sinceMs]);
  }

  /**
   * Moves due timers into the inbox of their processes. Returns how many, and the milliseconds until the next is due.
   * @param clockMs what the clock of the database should show; if it was set forwards, timers are not due before that.
   */
  async moveDue(
    module: string,
    clockMs?: number,
  ): Promise<{ readonly moved: number; readonly nextInMs: number | null }> {
    const [result] = await this.sql.rows<{ moved: number; nextInMs: number | null }>(MOVE, [module, clockMs ?? null]);
    return result ?? { moved: 0, nextInMs: null };
  }
}

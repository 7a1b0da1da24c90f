import { resendDeadLetters } from './dead-letters.js';
import type { Sql } from '../storage/sql.js';
import { extended, failedOn, type HistoryEntry } from '../processes/history.js';
import { RunNotFailed } from '../processes/process-errors.js';
import { ProcessStore, type RunStatus } from '../processes/process-store.js';

/** A run in a list. */
export interface RunSummary {
  /** The process's name. */
  readonly name: string;
  readonly key: string;
  readonly status: RunStatus;
  /** The outcome of a finished run, otherwise `null`. */
  readonly outcome: string | null;
  /** Times are ISO 8601, by the clock of the database. */
  readonly startedAt: string;
  readonly changedAt: string;
  readonly finishedAt: string | null;
}

/** A timer that is set. */
export interface PendingTimer {
  readonly name: string;
  /** ISO 8601; `null` when it is due and waits to be handled. */
  readonly dueAt: string | null;
}

/** A run with all stored details. */
export interface RunDetails extends RunSummary {
  /** As stored, as JSON; `null` when the run failed at its start. */
  readonly state: unknown;
  readonly history: readonly HistoryEntry[];
  readonly timers: readonly PendingTimer[];
}

/** Which runs to list; an absent field matches all of them. */
export interface RunFilter {
  readonly name?: string;
  readonly status?: RunStatus;
  /** 1 to 1,000; default 100. */
  readonly limit?: number;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

const iso = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const SUMMARY = `name, key, status, outcome, ${iso('started_at')} as "startedAt", ${iso('changed_at')} as "changedAt", ${iso('finished_at')} as "finishedAt"`;

/** The runs of a module's processes, the most recently changed first. */
export async function listRuns(
  sql: Sql,
  { name, status, limit = LIMIT_DEFAULT }: RunFilter = {},
): Promise<RunSummary[]> {
  return sql.rows<RunSummary>(
    `select ${SUMMARY} from fledge_process where ($1::text is null or name = $1) and ($2::text is null or status = $2) order by changed_at desc, name, key limit $3`,
    [name ?? null, status ?? null, Math.min(Math.max(limit, 1), LIMIT_MAX)],
  );
}

/** A run with its state, its history and its timers; `undefined` if there is none. */
export async function showRun(sql: Sql, name: string, key: string): Promise<RunDetails | undefined> {
  const [run] = await sql.rows<RunDetails>(
    `select ${SUMMARY}, state, history, coalesce((
       select json_agg(json_build_object('name', t.name, 'dueAt', case when t.due_at < 'infinity' then ${iso('t.due_at')} end) order by t.due_at, t.name)
       from fledge_timer t where t.process = p.name and t.key = p.key
     ), '[]') as timers
     from fledge_process p where name = $1 and key = $2`,
    [name, key],
  );
  return run;
}

/**
 * Resumes a failed run: the events and timers that it failed on are sent again, and handled again. Returns how many.
 * @throws RunNotFailed when it has not failed, or there is no such run.
 */
export async function resumeRun(sql: Sql, name: string, key: string): Promise<number> {
  const store = new ProcessStore(sql);
  return sql.transaction(async () => {
    const run = await store.lock(name, key);
    if (run?.status !== 'failed') throw new RunNotFailed(name, key, run?.status);
    const failed = failedOn(run.history);
    const resent = await resendDeadLetters(sql, name, failed);
    const entry: HistoryEntry = { at: run.now.toISOString(), what: 'resumed', detail: `${resent} sent again` };
    await store.record(name, key, 'running', extended(run.history, [entry]));
    return resent;
  });
}

/** The runs of a module's processes, for code that operates it. Injectable. */
export class Processes {
  constructor(private readonly sql: Sql) {}

  /** The most recently changed first. */
  list(filter?: RunFilter): Promise<RunSummary[]> {
    return listRuns(this.sql, filter);
  }

  /** With its state, history and timers; `undefined` if there is none. */
  show(name: string, key: string): Promise<RunDetails | undefined> {
    return showRun(this.sql, name, key);
  }

  /**
   * Resumes a failed run: what it failed on is sent again. Returns how many messages.
   * @throws RunNotFailed when it has not failed, or there is no such run.
   */
  resume(name: string, key: string): Promise<number> {
    return resumeRun(this.sql, name, key);
  }
}

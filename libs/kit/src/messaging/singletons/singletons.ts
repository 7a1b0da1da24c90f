import { type INestApplicationContext, Logger } from '@nestjs/common';
import {
  currentContext,
  CallContext,
  now,
  runDetached,
  runInContext,
  runIsolated,
  type Tracing,
} from '../../boundary/index.js';
import { providerClass, providersOf } from '../../bus/index.js';
import { StartupError } from '../../contract/index.js';
import type { Assignment, Membership } from '../replicas/membership.js';
import { isMember } from '../replicas/membership-sql.js';
import type { CronSchedule } from './cron-schedule.js';
import { type SingletonSpec, singletonSpecs } from './singleton.js';
import type { Sql } from '../storage/sql.js';

/** How often other replicas are notified that there may be work, in milliseconds. */
const TELL_EVERY_MS = 200;
/** The pause after a database failure, in milliseconds. */
const PAUSE_AFTER_FAILURE_MS = 500;

/**
 * Intervals from this length on are stored in the database, in milliseconds: shorter ones start over on the next
 * replica.
 */
export const KEPT_FROM_MS = 5_000;

// By the clock of the database: a replica that takes over, or was just started, waits for the rest of the interval. A
// time in the future, after the clock was set back, counts as now.
const BEGIN = `
with begun as (
  insert into fledge_singleton as s (name, ran_at) select $1, clock_timestamp() where ${isMember('$2')}
  on conflict (name) do update set ran_at = excluded.ran_at
  where s.ran_at + $3 * interval '1 ms' <= clock_timestamp() or s.ran_at > clock_timestamp()
  returning 1
)
select exists (select from begun) as "isDue",
  coalesce((select extract(epoch from ran_at + $3 * interval '1 ms' - clock_timestamp())::float8 * 1000 from fledge_singleton where name = $1), $3)::float8 as "inMs"`;

// `ran_at` is the time up to which ticks are dealt with: that of the last run, or of the first start. A small step back
// of the clock must not repeat a tick, and a large one must not stop the job for as long.
const CRON_LOOK = `
with known as (
  insert into fledge_singleton (name, ran_at) values ($1, clock_timestamp()) on conflict (name) do nothing returning ran_at
), last as (
  select ran_at from known union all select ran_at from fledge_singleton where name = $1 limit 1
)
select ran_at::text as mark,
  extract(epoch from least(ran_at, clock_timestamp() + interval '1 minute'))::float8 * 1000 as "lastMs",
  extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs"
from last`;
// of the replicas that read the same mark, only one begins
const CRON_BEGIN = `
update fledge_singleton set ran_at = clock_timestamp()
where name = $1 and ran_at = $3::timestamptz and ${isMember('$2')}
returning 1`;

/** A method with `@Singleton`, ready to be called. */
export type SingletonJob = IntervalJob | CronJob;

interface IntervalJob {
  readonly name: string;
  readonly everyMs: number;
  /** The longest wait after a run that reports nothing to do; see `Singleton`. Default: `everyMs`. */
  readonly idleMs?: number;
  /** Whether commits end such a wait. Default true. */
  readonly onCommit?: boolean;
  readonly cron?: undefined;
  readonly run: () => unknown;
}

interface CronJob {
  readonly name: string;
  readonly cron: CronSchedule;
  readonly run: () => unknown;
}

/** The longest wait for a tick before the clock of the database is read again, in milliseconds. */
const CRON_WAIT_MAX_MS = 600_000;

/** How often a singleton ran in this process. */
export interface SingletonCount {
  readonly runs: number;
  readonly failures: number;
}

/**
 * The singletons among a container's providers.
 * @throws StartupError for two with the same name, and for one of a request-scoped provider.
 */
export function discoverSingletons(app: INestApplicationContext): SingletonJob[] {
  const jobs = new Map<string, SingletonJob>();
  const seen = new Set<unknown>();
  for (const wrapper of providersOf(app)) {
    const cls = providerClass(wrapper);
    if (cls === undefined || seen.has(cls)) continue;
    seen.add(cls);
    for (const spec of singletonSpecs(cls)) {
      const where = `${cls.name}.${spec.method}`;
      if (jobs.has(spec.name))
        throw new StartupError(
          'singleton-twice',
          `two methods are the singleton '${spec.name}', one of them ${where}`,
          'Give each its own name in @Singleton.',
        );
      if (!wrapper.isDependencyTreeStatic())
        throw new StartupError(
          'singleton-scope',
          `the provider of ${where} is made anew for each request, and a singleton runs without one`,
          'Leave `scope` out of it and of what it injects.',
        );
      jobs.set(spec.name, jobOf(spec, wrapper.instance as Readonly<Record<string, () => unknown>>));
    }
  }
  return [...jobs.values()];
}

function jobOf({ method, ...job }: SingletonSpec, instance: Readonly<Record<string, () => unknown>>): SingletonJob {
  return { ...job, run: () => instance[method]?.() };
}

/** Runs a module's singletons on this replica, each while this replica has it. */
export class Singletons {
  private readonly rounds: readonly Round[];
  private toldAt = -Infinity;

  constructor(
    module: string,
    jobs: readonly SingletonJob[],
    private readonly membership: Membership,
    sql: Sql,
    tracing?: Tracing,
  ) {
    this.rounds = jobs.map((job) => new Round(module, job, membership, sql, tracing));
    membership.onTold('work', () => this.wake());
  }

  /** How often each ran here. */
  get counts(): ReadonlyMap<string, SingletonCount> {
    return new Map(this.rounds.map(({ job, runs, failures }) => [job.name, { runs, failures }]));
  }

  start(): void {
    for (const round of this.rounds) round.start();
  }

  /** The module has committed something in this process: idle singletons may have work now. */
  committed(): void {
    if (this.wake()) return;
    const now = performance.now();
    if (now - this.toldAt < TELL_EVERY_MS) return;
    this.toldAt = now;
    this.membership.tell('work');
  }

  /** Wakes all. Returns false when one of them is another replica's, which then has to be notified. */
  private wake(): boolean {
    let areHere = true;
    for (const round of this.rounds) areHere = round.wake() && areHere;
    return areHere;
  }

  /** Starts no more runs; resolves when the current ones have ended. Then other replicas may take over. */
  async stop(): Promise<void> {
    await Promise.all(this.rounds.map((round) => round.stop()));
  }
}

/** One singleton on this replica. */
class Round {
  runs = 0;
  failures = 0;
  private readonly logger = new Logger('singletons');
  private readonly group: Assignment;
  private timer: NodeJS.Timeout | undefined;
  /** When the timer fires, and the earliest time to which it may be moved, on the clock of `now()`. */
  private nextAt = Infinity;
  private mayRunAt = 0;
  private running: Promise<void> | undefined;
  private woken = false;
  private context: CallContext | undefined;
  private started = false;
  private stopped = false;

  constructor(
    private readonly module: string,
    readonly job: SingletonJob,
    private readonly membership: Membership,
    private readonly sql: Sql,
    private readonly tracing: Tracing | undefined,
  ) {
    this.group = membership.join(`singleton:${job.name}`, 1);
    this.group.onRelease(() => this.running === undefined);
    this.group.onChange(() => this.changed());
  }

  start(): void {
    this.started = true;
    this.changed();
  }

  /** There may be something to do: runs as soon as its interval allows. Returns false when another replica has it. */
  wake(): boolean {
    const isHere = this.group.held.has(0);
    const { job } = this;
    if (job.cron !== undefined || job.idleMs === undefined || job.onCommit === false) return true;
    if (!isHere) return false;
    // its own commits do not wake it
    if (this.running) this.woken ||= currentContext() !== this.context;
    else if (this.nextAt > this.mayRunAt) this.schedule(this.mayRunAt - now());
    return true;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
    await this.group.leave();
  }

  private changed(): void {
    if (!this.group.held.has(0)) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.context?.cancel();
    } else if (!this.running && !this.timer) this.schedule(0);
  }

  private schedule(inMs: number): void {
    if (this.stopped || !this.started || !this.group.held.has(0)) return;
    clearTimeout(this.timer);
    this.nextAt = now() + Math.max(inMs, 0);
    // a commit may have woken it, but the next round does not belong to the work that committed
    this.timer = runDetached(() => setTimeout(() => this.begin(), Math.max(inMs, 0)).unref());
  }

  private begin(): void {
    this.timer = undefined;
    this.running = this.round().then((waitMs) => {
      this.running = undefined;
      if (!this.group.held.has(0)) void this.membership.beatNow();
      // does nothing if another replica has it by now: `changed` schedules it when it comes back
      this.schedule(waitMs);
    });
  }

  /** Runs if it is time. Returns the milliseconds until the next run; never rejects. */
  private async round(): Promise<number> {
    const { job } = this;
    this.woken = false;
    try {
      const waitMs =
        job.cron !== undefined
          ? await this.untilTick(job.cron)
          : job.everyMs >= KEPT_FROM_MS
            ? await this.untilDue(job.everyMs)
            : 0;
      if (waitMs > 0) return waitMs;
    } catch (error) {
      this.logger.warn(
        `it cannot be told whether the singleton ${job.name} is due: ${error instanceof Error ? error.message : String(error)}`,
      );
      return PAUSE_AFTER_FAILURE_MS;
    }
    const startedAt = now();
    const result = await this.run();
    // asks for the next tick at once: the run may have lasted longer than it takes to the next one
    if (job.cron !== undefined) return 1;
    this.mayRunAt = startedAt + job.everyMs;
    return Math.max(0, this.waitAfter(job, result) - (now() - startedAt));
  }

  /** Begins if the interval is over: returns 0, or the milliseconds that are left of it. */
  private async untilDue(everyMs: number): Promise<number> {
    const { job, membership } = this;
    const [begun] = await this.sql.rows<{ isDue: boolean; inMs: number }>(BEGIN, [
      job.name,
      membership.replica,
      everyMs,
    ]);
    return begun?.isDue ? 0 : Math.max(Math.ceil(begun?.inMs ?? PAUSE_AFTER_FAILURE_MS), 1);
  }

  /** Begins if a tick has passed since the last run: returns 0, or the milliseconds to look again in. */
  private async untilTick(cron: CronSchedule): Promise<number> {
    const { job, membership } = this;
    const [seen] = await this.sql.rows<{ mark: string; lastMs: number; nowMs: number }>(CRON_LOOK, [job.name]);
    if (seen === undefined) return PAUSE_AFTER_FAILURE_MS;
    const waitMs = (cron.nextAfter(seen.lastMs) ?? Infinity) - seen.nowMs;
    if (waitMs > 0) return Math.min(Math.ceil(waitMs), CRON_WAIT_MAX_MS);
    const begun = await this.sql.rows(CRON_BEGIN, [job.name, membership.replica, seen.mark]);
    return begun.length > 0 ? 0 : PAUSE_AFTER_FAILURE_MS;
  }

  /** The time from the start of a run to the next one, by what the run returned. */
  private waitAfter({ everyMs, idleMs }: IntervalJob, result: unknown): number {
    if (idleMs === undefined || this.woken || typeof result !== 'number') return everyMs;
    return Math.min(Math.max(result, everyMs), idleMs);
  }

  private work(context: CallContext): unknown {
    const { module, job, tracing } = this;
    if (!tracing) return job.run();
    const span = { name: `singleton ${job.name}`, kind: 'internal', attributes: { 'fledge.module': module } } as const;
    return tracing.within(context, span, () => job.run());
  }

  /** Never rejects. */
  private async run(): Promise<unknown> {
    const { module, job } = this;
    const context = (this.context = new CallContext(module, 'job', Infinity, undefined, undefined, undefined));
    this.runs++;
    try {
      return await runIsolated(context, { execute: () => this.work(context) }, job);
    } catch (error) {
      this.failures++;
      const text = `[${context.correlationId}] the singleton ${job.name} of ${module} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
      const log = (): void => this.logger.error(text);
      runInContext(context, () => (this.tracing ? this.tracing.about(context, log) : log()));
      return undefined;
    } finally {
      this.context = undefined;
    }
  }
}

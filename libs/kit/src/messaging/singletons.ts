import { type INestApplicationContext, Logger } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Frame, now, runBehindWall } from '../boundary/index.js';
import { StartupError } from '../contract/index.js';
import type { LeaseGroup, Leases } from './lease.js';
import { type SingletonSpec, singletonSpecs } from './singleton.js';
import type { Sql } from './sql.js';

/** How long a database that is away is left alone. */
const PAUSE_AFTER_FAILURE_MS = 500;

// The interval is kept with the lease, by the clock of the database: a replica that takes over, and one that was just started, wait for
// the rest of it.
const BEGIN = `
with begun as (
  update message_lease set ran_at = clock_timestamp()
  where "group" = $1 and part = 0 and epoch = $2::bigint and expires_at > clock_timestamp() and coalesce(ran_at + $3 * interval '1 ms', '-infinity') <= clock_timestamp()
  returning 1
)
select exists (select from begun) as "isDue", coalesce(extract(epoch from ran_at + $3 * interval '1 ms' - clock_timestamp())::float8 * 1000, $3) as "inMs"
from message_lease where "group" = $1 and part = 0`;

/** A method with `@Singleton`, ready to be called. */
export interface SingletonJob {
  readonly name: string;
  readonly everyMs: number;
  readonly run: () => unknown;
}

/** How often a singleton ran in this process. */
export interface SingletonCount {
  readonly runs: number;
  readonly failures: number;
}

/**
 * The singletons among a container's providers.
 * @throws StartupError for two of one name, and for one of a provider that is made anew for each request.
 */
export function discoverSingletons(app: INestApplicationContext): SingletonJob[] {
  const wrappers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.providers.values()]);
  const jobs = new Map<string, SingletonJob>();
  const seen = new Set<unknown>();
  for (const wrapper of wrappers) {
    const cls: unknown = (wrapper.instance as object | undefined)?.constructor ?? wrapper.metatype;
    if (typeof cls !== 'function' || seen.has(cls)) continue;
    seen.add(cls);
    for (const spec of singletonSpecs(cls)) {
      const where = `${cls.name}.${spec.method}`;
      if (jobs.has(spec.name)) throw new StartupError('singleton-twice', `two methods are the singleton '${spec.name}', one of them ${where}`, 'Give each its own name in @Singleton.');
      if (!wrapper.isDependencyTreeStatic()) throw new StartupError('singleton-scope', `the provider of ${where} is made anew for each request, and a singleton runs without one`, 'Leave `scope` out of it and of what it injects.');
      jobs.set(spec.name, jobOf(spec, wrapper.instance as Readonly<Record<string, () => unknown>>));
    }
  }
  return [...jobs.values()];
}

function jobOf({ name, everyMs, method }: SingletonSpec, instance: Readonly<Record<string, () => unknown>>): SingletonJob {
  return { name, everyMs, run: () => instance[method]?.() };
}

/** Runs a module's singletons on this replica, each while it holds their lease. */
export class Singletons {
  private readonly rounds: readonly Round[];

  constructor(module: string, jobs: readonly SingletonJob[], leases: Leases, sql: Sql) {
    this.rounds = jobs.map((job) => new Round(module, job, leases.join(`singleton:${job.name}`, 1), sql));
  }

  /** How often each ran here. */
  get counts(): ReadonlyMap<string, SingletonCount> {
    return new Map(this.rounds.map(({ job, runs, failures }) => [job.name, { runs, failures }]));
  }

  start(): void {
    for (const round of this.rounds) round.start();
  }

  /** Starts no more runs; resolves when those in hand have ended. Then the leases may be let go. */
  async stop(): Promise<void> {
    await Promise.all(this.rounds.map((round) => round.stop()));
  }
}

/** One singleton on this replica. */
class Round {
  runs = 0;
  failures = 0;
  private readonly logger = new Logger('singletons');
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private frame: Frame | undefined;
  private started = false;
  private stopped = false;

  constructor(
    private readonly module: string,
    readonly job: SingletonJob,
    private readonly group: LeaseGroup,
    private readonly sql: Sql,
  ) {
    group.onChange(() => this.changed());
  }

  start(): void {
    this.started = true;
    this.changed();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
    // a database that is away lets the lease expire by itself
    await this.group.leave().catch((error: unknown) => this.logger.warn(`the lease of the singleton ${this.job.name} could not be let go: ${String(error)}`));
  }

  private changed(): void {
    if (!this.group.held.has(0)) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.frame?.cancel();
    } else if (!this.running && !this.timer) this.schedule(0);
  }

  private schedule(inMs: number): void {
    if (this.stopped || !this.started || !this.group.held.has(0)) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.running = this.round().then((waitMs) => {
        this.running = undefined;
        // a lease that was lost meanwhile is waited for anew
        this.schedule(waitMs);
      });
    }, inMs).unref();
  }

  /** Runs if it is time to. Answers the milliseconds until it may be again; never rejects. */
  private async round(): Promise<number> {
    const { job, group } = this;
    try {
      const [begun] = await this.sql.rows<{ isDue: boolean; inMs: number }>(BEGIN, [group.group, group.held.get(0)?.epoch ?? '-1', job.everyMs]);
      if (!begun?.isDue) return Math.max(Math.ceil(begun?.inMs ?? PAUSE_AFTER_FAILURE_MS), 1);
    } catch (error) {
      this.logger.warn(`it can not be told whether the singleton ${job.name} is due: ${error instanceof Error ? error.message : String(error)}`);
      return PAUSE_AFTER_FAILURE_MS;
    }
    const startedAt = now();
    await this.run();
    return Math.max(0, job.everyMs - (now() - startedAt));
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    const { module, job } = this;
    const frame = (this.frame = new Frame(module, 'job', Infinity, undefined, undefined, undefined));
    this.runs++;
    try {
      await runBehindWall(frame, { execute: () => job.run() }, job);
    } catch (error) {
      this.failures++;
      this.logger.error(`[${frame.correlationId}] the singleton ${job.name} of ${module} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    } finally {
      this.frame = undefined;
    }
  }
}

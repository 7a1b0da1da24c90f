import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { runDetached } from '../../boundary/index.js';
import type { ModuleLine } from '../../data/index.js';
import { type Member, partsOf } from './assignment.js';
import {
  BEAT,
  BEAT_MS,
  CLOSED_LINES,
  CLOSED_LINES_OF_OTHERS,
  EXPEL,
  HOLD_LINE,
  JOIN,
  LEAVE,
  NOTIFY,
  SILENCE_MS,
} from './membership-sql.js';
import { type Assignment, Share } from './share.js';
import type { Sql } from '../storage/sql.js';

export { SILENCE_MS } from './membership-sql.js';
export type { Assignment } from './share.js';

/**
 * A replica that could not renew its row for this long, in milliseconds, gives up its work before others take it over.
 */
const GIVE_UP_MS = SILENCE_MS - 1_500;
/** The time between two heartbeats while replicas hand work over, or the database is away, in milliseconds. */
const QUICK_BEAT_MS = 200;
/**
 * How long a replica may be unable to reach its other dependencies before it leaves work to others, in milliseconds.
 */
const UNHEALTHY_AFTER_MS = 1_000;
/**
 * The smallest difference between the database's clock and the expected time that counts as a clock change, in
 * milliseconds.
 */
const CLOCK_STEP_MIN_MS = 5_000;
const HEALTH_EVERY_MS = 500;
const START_POLL_MS = 50;
const LINE_LOCK_MAX = 2 ** 47;

/** The pending work that a replica found at a heartbeat. */
export interface Signs {
  /** The outbox has unsent messages. */
  readonly unsent: boolean;
  /** The inbox has messages that are neither handled nor held. */
  readonly ready: boolean;
  /** Milliseconds until a hold is due; `null` if no hold has a time. */
  readonly holdInMs: number | null;
  /** Milliseconds until a timer is due; `null` if there is none. */
  readonly timerInMs: number | null;
  /** Consumers with held keys. */
  readonly holding: readonly string[];
}

interface Other extends Member {
  readonly line: string;
  readonly beat: number;
  readonly seen: number;
  readonly keeps: readonly string[];
}

interface Beat extends Signs {
  readonly present: number;
  /** The clock of the database, in milliseconds since 1970. */
  readonly clockMs: number;
  readonly version: number;
  readonly joined: number | null;
  readonly others: readonly Other[];
}

/** The clock of the database was set forwards or back. */
export interface ClockStep {
  /** By how much, in milliseconds: positive for forwards. */
  readonly byMs: number;
  /**
   * When the clock was last seen before the change, converted to the clock as it is set now, in milliseconds since
   * 1970.
   */
  readonly sinceMs: number;
}

/** For another replica: since when, and for how many of this replica's heartbeats, it has not moved. */
interface Stillness {
  readonly beat: number;
  readonly since: number;
  readonly times: number;
}

/** What a replica reports about itself. */
export interface MembershipOptions {
  /**
   * What its code can handle, for others to see: each entry is a consumer and a wire name with its version, as
   * `knowledge` makes it.
   */
  readonly knows?: readonly string[];
  /** Whether it can reach what it needs besides the database, above all its broker. Default: always. */
  readonly isHealthy?: () => boolean;
}

/**
 * The replicas of one module, which divide its work among themselves. Each has one row, in which it counts its
 * heartbeats. All see the same members under the same version of the view, and compute from them who has which part. A
 * part changes hands when every other replica has seen the new version and reports that it no longer keeps the part. No
 * clock is compared with another: a replica that does not move for `SILENCE_MS` by the observer's own clock, or whose
 * connection is closed, is removed by deleting its row, and its later writes do not commit (fencing, after Kleppmann's
 * "How to do distributed locking"). One that comes back joins as a new replica.
 */
export class Membership {
  private readonly logger = new Logger('replicas');
  private readonly shares = new Map<string, Share>();
  private readonly stillness = new Map<string, Stillness>();
  private readonly listeners = new Map<string, (() => void)[]>();
  private readonly signListeners: ((signs: Signs, askedAt: number) => void)[] = [];
  private readonly viewListeners: (() => Promise<void>)[] = [];
  private readonly deathListeners: (() => void)[] = [];
  private readonly lossListeners: (() => void)[] = [];
  private readonly stepListeners: ((step: ClockStep) => Promise<void>)[] = [];
  /** The clock of the database at a heartbeat, and the local time of that heartbeat. */
  private clock: { readonly ms: number; readonly at: number } | undefined;
  private id: string = randomUUID();
  private line: ModuleLine | undefined;
  private lineLock = randomInt(1, LINE_LOCK_MAX);
  private joined = 0;
  private seen = 0;
  private told = '';
  private toldHealthy = true;
  private others: readonly Other[] = [];
  private timer: NodeJS.Timeout | undefined;
  private healthTimer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private again = false;
  private renewedAt = 0;
  private unhealthySince: number | undefined;
  private started = false;
  private stopped = false;
  private failing = false;

  constructor(
    private readonly sql: Sql,
    private readonly options: MembershipOptions = {},
  ) {}

  /**
   * A UUID of this run of the process and its current membership: a replica that was removed gets a new one when it
   * rejoins.
   */
  get replica(): string {
    return this.id;
  }

  /** Whether no other replica of the module is known: all changes to its tables are made by this process. */
  get isAlone(): boolean {
    return this.started && this.others.length === 0;
  }

  /** Joins a group's work. May be called before `start` or at any time after it. */
  join(group: string, parts: number): Assignment {
    if (this.shares.has(group)) throw new Error(`the group ${group} was joined twice`);
    const share = new Share(group, parts, {
      beat: () => this.beatNow(),
      leave: (own) => void this.shares.delete(own.group),
    });
    this.shares.set(group, share);
    if (this.started) void this.beatNow();
    return share;
  }

  /** Calls `listener` when another replica sends a notification on `topic`; see `tell`. */
  onTold(topic: string, listener: () => void): void {
    this.listeners.set(topic, [...(this.listeners.get(topic) ?? []), listener]);
  }

  /** Calls `listener` at each heartbeat with the pending work. */
  onSigns(listener: (signs: Signs, askedAt: number) => void): void {
    this.signListeners.push(listener);
  }

  /**
   * Calls `listener` when members or what they consume have changed; others see this replica as up to date only when it
   * has resolved.
   */
  onView(listener: () => Promise<void>): void {
    this.viewListeners.push(listener);
  }

  /** Calls `listener` when a replica was removed that did not leave by itself: it was killed, or frozen. */
  onDeath(listener: () => void): void {
    this.deathListeners.push(listener);
  }

  /** Calls `listener` when others have removed this replica, which was alive, and taken over its work. */
  onLoss(listener: () => void): void {
    this.lossListeners.push(listener);
  }

  /** Calls `listener` when the clock of the database was set; again at each heartbeat until it resolves. */
  onClockStep(listener: (step: ClockStep) => Promise<void>): void {
    this.stepListeners.push(listener);
  }

  /** Whether it is certainly alone: a replica that joins does not take its work before this one has noticed. */
  get isSurelyAlone(): boolean {
    return this.isAlone && performance.now() - this.renewedAt < GIVE_UP_MS;
  }

  /**
   * What the clock of the database should show now, in milliseconds since 1970: its value at the last heartbeat plus
   * the time since.
   */
  get expectedClockMs(): number | undefined {
    return this.clock && this.clock.ms + performance.now() - this.clock.at;
  }

  /**
   * Notifies the other replicas, if there are any, that there is something for them. Never rejects: a replica that
   * misses it finds the work at its next heartbeat.
   */
  tell(topic: string): void {
    if (this.isAlone || this.stopped) return;
    // a replica that is not notified finds it at a heartbeat
    runDetached(() => void this.statements(NOTIFY, [`${topic} ${this.id}`]).catch(() => undefined));
  }

  /** Joins and takes this replica's share. Rejects when the database cannot be reached. */
  async start(): Promise<void> {
    await this.openLine();
    await this.enter();
    this.started = true;
    await this.beatNow();
    // until all others know about this replica, they do not expect changes from this process
    const until = performance.now() + 2 * SILENCE_MS;
    while (this.others.some(({ seen }) => seen < this.joined) && performance.now() < until) {
      await sleep(START_POLL_MS);
      await this.beatNow();
    }
    if (this.options.isHealthy) this.healthTimer = setInterval(() => this.lookAfterHealth(), HEALTH_EVERY_MS).unref();
  }

  /** Leaves, so that the others can continue at once. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.timer);
    clearInterval(this.healthTimer);
    await this.beating;
    for (const share of this.shares.values()) share.clear();
    try {
      if (this.started) await this.statements(LEAVE, [this.id]);
    } catch (error) {
      this.complain(error);
    }
    await this.line?.close();
  }

  /** Runs a full heartbeat: at once, or after the one in progress. Never rejects. */
  beatNow(): Promise<void> {
    if (!this.started || this.stopped) return Promise.resolve();
    if (this.beating) this.again = true;
    else {
      clearTimeout(this.timer);
      this.beating = this.beats().finally(() => {
        this.beating = undefined;
        this.schedule();
      });
    }
    return this.beating;
  }

  private async beats(): Promise<void> {
    do {
      this.again = false;
      await this.safely();
    } while (this.again && !this.stopped);
  }

  private schedule(): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => void this.beatNow(),
      this.isSettled() && !this.failing ? BEAT_MS : QUICK_BEAT_MS,
    ).unref();
  }

  private isSettled(): boolean {
    return (
      this.others.every(({ seen }) => seen >= this.seen) && [...this.shares.values()].every((share) => share.isSettled)
    );
  }

  private async safely(): Promise<void> {
    if (performance.now() - this.renewedAt > GIVE_UP_MS) for (const share of this.shares.values()) share.clear();
    try {
      // without a line it continues through the pool: others may think it dead and remove it, and it finds that out
      if (this.line?.isOpen === false) await this.openLine().catch((error: unknown) => this.complain(error));
      await this.beat();
      this.failing = false;
    } catch (error) {
      this.complain(error);
    }
  }

  private async beat(): Promise<void> {
    const asked = performance.now();
    const shares = [...this.shares.values()];
    const groups = shares.filter((share) => !share.isRetiring).map((share) => share.group);
    const healthy = this.isHealthy();
    const told = JSON.stringify([groups, healthy]);
    const keeps = shares.flatMap((share) => share.kept());
    const [beat] = await this.statements<Beat>(BEAT, [
      this.id,
      this.seen,
      keeps,
      groups,
      healthy,
      this.lineLock,
      told !== this.told,
    ]);
    if (!beat) throw new Error('PostgreSQL answered a beat with no row');
    if (beat.present === 0) return this.returnAnew();
    if (told !== this.told) this.tell('view');
    this.told = told;
    this.toldHealthy = healthy;
    this.renewedAt = asked;
    if (beat.joined !== null) this.joined = beat.joined;
    await this.compareClock(beat.clockMs);
    await this.see(beat, shares, { replica: this.id, joined: this.joined, groups, healthy });
    for (const listener of this.signListeners) listener(beat, asked);
    await this.leaveOut(beat.others);
  }

  private async compareClock(ms: number): Promise<void> {
    const at = performance.now();
    const byMs = ms - (this.expectedClockMs ?? ms);
    if (Math.abs(byMs) > CLOCK_STEP_MIN_MS) {
      this.logger.warn(
        `the clock of the database was set ${byMs > 0 ? 'forward' : 'back'} by ${Math.round(Math.abs(byMs) / 1_000)} s`,
      );
      for (const listener of this.stepListeners) await listener({ byMs, sinceMs: ms - (at - (this.clock?.at ?? at)) });
    }
    this.clock = { ms, at };
  }

  /** Takes what the view's version found at a heartbeat assigns to this replica, and lets go of the rest. */
  private async see(beat: Beat, shares: readonly Share[], me: Member): Promise<void> {
    this.others = beat.others;
    if (beat.version !== this.seen) {
      for (const listener of this.viewListeners) await listener();
      this.again = true;
    }
    const members = [me, ...beat.others];
    for (const share of shares) {
      const own = share.isRetiring ? new Set<number>() : partsOf(this.id, share.group, share.parts, members);
      share.settle(own, (part) =>
        beat.others.every((other) => other.seen >= beat.version && !other.keeps.includes(share.nameOf(part))),
      );
    }
    if (this.seen !== beat.version && beat.others.length > 0) this.tellSoon();
    this.seen = beat.version;
  }

  /** Notifies the others, which wait for this replica to see the view, after the heartbeat that records it. */
  private tellSoon(): void {
    setImmediate(() => void this.beatNow().then(() => this.tell('view')));
  }

  private async leaveOut(others: readonly Other[]): Promise<void> {
    const now = performance.now();
    const still: Other[] = [];
    for (const other of others) {
      const before = this.stillness.get(other.replica);
      const same = before?.beat === other.beat ? before : undefined;
      this.stillness.set(other.replica, {
        beat: other.beat,
        since: same?.since ?? now,
        times: same ? same.times + 1 : 0,
      });
      if (same && now - same.since > BEAT_MS * 1.25) still.push(other);
    }
    for (const replica of this.stillness.keys())
      if (!others.some((other) => other.replica === replica)) this.stillness.delete(replica);
    if (still.length === 0) return;
    const closed = new Set(
      (await this.statements<{ replica: string }>(CLOSED_LINES, [still.map(({ replica }) => replica)])).map(
        ({ replica }) => replica,
      ),
    );
    for (const { replica, beat } of still) {
      const { since, times } = this.stillness.get(replica) as Stillness;
      const isSilent = now - since > SILENCE_MS && times >= 3;
      if (closed.has(replica) || isSilent)
        await this.expel(replica, beat, isSilent ? 'has not moved for seconds' : 'has lost its connection');
    }
  }

  private async expel(replica: string, beat: number, why: string): Promise<void> {
    const gone = await this.statements<object>(EXPEL, [replica, beat]);
    if (gone.length === 0) return;
    this.logger.warn(`the replica ${replica} ${why}: its work goes to others`);
    this.again = true;
    for (const listener of this.deathListeners) listener();
  }

  /**
   * Inserts the row of this replica. First removes killed replicas that left their rows behind; their closed lines show
   * them.
   */
  private async enter(): Promise<void> {
    const shares = [...this.shares.values()];
    const groups = shares.map((share) => share.group);
    const healthy = this.isHealthy();
    const [view] = await this.statements<{ version: number }>(JOIN, [
      this.id,
      this.lineLock,
      groups,
      healthy,
      this.options.knows ?? [],
    ]);
    if (!view) throw new Error('PostgreSQL answered a joining replica with no row');
    this.joined = this.seen = view.version;
    this.told = JSON.stringify([groups, healthy]);
    this.toldHealthy = healthy;
    this.renewedAt = performance.now();
    for (const listener of this.viewListeners) await listener();
    const closed = await this.statements<{ replica: string; beat: number }>(CLOSED_LINES_OF_OTHERS, [this.id]);
    for (const { replica, beat } of closed) await this.expel(replica, beat, 'was killed');
  }

  /** Others have removed this replica: nothing that it began commits, and it joins under a new id. */
  private async returnAnew(): Promise<void> {
    this.logger.warn(
      `others have left this replica out, ${this.id}: it joins again. If this happens often, see what stops the process for seconds`,
    );
    for (const listener of this.lossListeners) listener();
    for (const share of this.shares.values()) share.clear();
    this.id = randomUUID();
    await this.enter();
    this.again = true;
  }

  private isHealthy(): boolean {
    if (this.options.isHealthy?.() !== false) {
      this.unhealthySince = undefined;
      return true;
    }
    this.unhealthySince ??= performance.now();
    return performance.now() - this.unhealthySince < UNHEALTHY_AFTER_MS;
  }

  private lookAfterHealth(): void {
    if (this.isHealthy() !== this.toldHealthy) void this.beatNow();
  }

  private async openLine(): Promise<void> {
    if (!this.sql.openLine) return;
    this.line = await this.sql.openLine({
      notified: (text) => this.hear(text),
      lost: () => void this.beatNow(),
    });
    this.lineLock = randomInt(1, LINE_LOCK_MAX);
    await this.line.rows(HOLD_LINE, [this.lineLock]);
  }

  private hear(text: string): void {
    const [topic = '', by] = text.split(' ');
    if (by === this.id) return;
    if (topic === 'view') void this.beatNow();
    for (const listener of this.listeners.get(topic) ?? []) listener();
  }

  private statements<Row extends object>(text: string, parameters: readonly unknown[]): Promise<Row[]> {
    return this.line?.isOpen ? this.line.rows<Row>(text, parameters) : this.sql.rows<Row>(text, parameters);
  }

  /** Logs once per outage of the database, not at each heartbeat. */
  private complain(error: unknown): void {
    if (!this.failing && !this.stopped)
      this.logger.warn(
        `the other replicas cannot be seen for now: ${error instanceof Error ? error.message : String(error)}`,
      );
    this.failing = true;
  }
}

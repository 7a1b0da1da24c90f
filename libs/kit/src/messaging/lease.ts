import { Logger } from '@nestjs/common';
import type { Sql } from './sql.js';

/** How long a lease holds after it was last renewed, by the clock of the database. */
export const LEASE_TTL_MS = 5_000;
/** How often leases are renewed, and those that are free are looked for. */
export const LEASE_BEAT_MS = 750;
/** A replica lets go so much earlier, by its own clock, than the database does. */
const MARGIN_MS = 1_500;

/** A part of a group's work that this replica holds. */
export interface Held {
  /** Rises with each change of hands: a write that names an old one changes nothing. */
  readonly epoch: string;
  /** The carrier of the replica that held the part before, if that was another one's. */
  readonly previousCarrier: string | undefined;
}

/** A kind of work of a module that is shared out among its replicas in parts. */
export interface LeaseGroup {
  readonly group: string;
  /** The parts that this replica holds now, and may work on. */
  readonly held: ReadonlyMap<number, Held>;
  /** Calls `listener` whenever `held` has changed. */
  onChange(listener: () => void): void;
  /** Whether a part is held, or is let go of only when what was under way has ended: no other replica has it. */
  keeps(part: number): boolean;
  /** Asks whether nothing is under way any more on a part that is to be let go of. Default: nothing ever is. */
  onRelease(mayGo: (part: number) => boolean): void;
  /** Takes no more, and lets go of the parts on which nothing is under way; of the others when it is called again, or at a beat. Never rejects. */
  letGo(): Promise<void>;
  /** Lets go of all parts and takes no more. */
  leave(): Promise<void>;
}

interface Beat {
  readonly kept: readonly { readonly group: string; readonly part: number }[];
  readonly groups: readonly { readonly group: string; readonly others: number; readonly free: number }[];
}

const JOIN = `insert into message_lease ("group", part, expires_at) select $1, part, '-infinity' from generate_series(0, $2 - 1) part on conflict do nothing`;

const BEAT = `
with beat as (
  insert into message_member (replica, groups, knows, expires_at) values ($1, $4, $5, clock_timestamp() + $3 * interval '1 ms')
  on conflict (replica) do update set groups = excluded.groups, expires_at = excluded.expires_at
), gone as (
  delete from message_member where expires_at < clock_timestamp() - interval '1 minute'
), kept as (
  update message_lease set expires_at = clock_timestamp() + $3 * interval '1 ms'
  where owner = $1 and expires_at > clock_timestamp() and "group" = any($2) returning "group", part
)
select coalesce((select json_agg(kept) from kept), '[]') as kept, coalesce((select json_agg(g) from (
  select g as "group",
    (select count(*) from message_member m where m.replica <> $1 and g = any(m.groups) and m.expires_at > clock_timestamp()) as others,
    (select count(*) from message_lease l where l."group" = g and l.expires_at <= clock_timestamp()) as free
  from unnest($2) g) g), '[]') as groups`;

// The epoch and the owner change together, under the row's lock: of two that claim a part one gets it.
const CLAIM = `
update message_lease l set owner = $1, epoch = l.epoch + 1, carrier = $5, expires_at = clock_timestamp() + $4 * interval '1 ms'
from (select part, carrier from message_lease where "group" = $2 and expires_at <= clock_timestamp() order by random() limit $3 for update skip locked) free
where l."group" = $2 and l.part = free.part
returning l.part, l.epoch, free.carrier as previous`;

// The others need not leave it a share any more.
const RETIRE = `update message_member set groups = array_remove(groups, $2) where replica = $1`;

const RELEASE = `update message_lease set expires_at = '-infinity' where owner = $1 and "group" = $2 and part = any($3)`;

class Group implements LeaseGroup {
  readonly held = new Map<number, Held>();
  /** Held in the database still, and no longer worked on: released at the first beat after what was under way has ended. */
  readonly shedding = new Set<number>();
  /** Takes no more. */
  isRetiring = false;
  mayGo: (part: number) => boolean = () => true;
  private readonly listeners: (() => void)[] = [];

  constructor(
    readonly group: string,
    readonly parts: number,
    readonly carrier: string | undefined,
    private readonly leases: Leases,
  ) {}

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  keeps(part: number): boolean {
    return this.held.has(part) || this.shedding.has(part);
  }

  onRelease(mayGo: (part: number) => boolean): void {
    this.mayGo = mayGo;
  }

  letGo(): Promise<void> {
    return this.leases.letGo(this);
  }

  leave(): Promise<void> {
    return this.leases.leave(this);
  }

  changed(): void {
    for (const listener of this.listeners) listener();
  }

  /** Begins nothing on parts any more. They are let go of at a beat when what was under way has ended: until then they are renewed. */
  shed(parts: readonly number[]): void {
    const shed = parts.filter((part) => this.held.delete(part));
    for (const part of shed) this.shedding.add(part);
    if (shed.length > 0) this.changed();
  }

  /** They are another replica's. */
  drop(parts: readonly number[]): void {
    const dropped = parts.filter((part) => this.held.delete(part) || this.shedding.delete(part));
    if (dropped.length > 0) this.changed();
  }
}

/**
 * Shares a module's work out among its replicas: each part is held by one of them at a time, by the clock of the database, and an
 * epoch tells a holder from those before it (a fencing token, after Kleppmann's "How to do distributed locking"). Replicas that
 * are alive come to equal shares; one that drains lets go at once, one that dies after `LEASE_TTL_MS`.
 */
export class Leases {
  private readonly logger = new Logger('leases');
  private readonly groups = new Map<string, Group>();
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private renewedAt = 0;
  private stopped = false;
  private failing = false;

  constructor(
    private readonly sql: Sql,
    /** A UUID of this run of the process. */
    readonly replica: string,
    /** What this replica's code can handle, for others to see: each a consumer and a wire name with its version, as `knowledge` makes it. */
    private readonly knows: readonly string[] = [],
  ) {}

  /** Takes part in the sharing of a group's work. Call before `start`, or at any time after it. */
  join(group: string, parts: number, options: { readonly carrier?: string } = {}): LeaseGroup {
    if (this.groups.has(group)) throw new Error(`the group ${group} was joined twice`);
    const joined = new Group(group, parts, options.carrier, this);
    this.groups.set(group, joined);
    if (this.timer) void this.sql.rows(JOIN, [group, parts]).catch((error: unknown) => this.complain(error));
    return joined;
  }

  /** Makes the first claims, then keeps them. Rejects when the database can not be asked. */
  async start(): Promise<void> {
    for (const { group, parts } of this.groups.values()) await this.sql.rows(JOIN, [group, parts]);
    await this.beat();
    this.timer = setInterval(() => this.tick(), LEASE_BEAT_MS).unref();
  }

  /** Lets go of everything at once, so that the next replica goes on within a beat. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    clearInterval(this.timer);
    await this.beating;
    for (const group of this.groups.values()) group.drop([...group.held.keys()]);
    try {
      await this.sql.rows(`update message_lease set expires_at = '-infinity' where owner = $1 and expires_at > clock_timestamp()`, [this.replica]);
      await this.sql.rows('delete from message_member where replica = $1', [this.replica]);
    } catch (error) {
      this.complain(error);
    }
  }

  /** For a group: takes no more, and lets go of what it may. */
  async letGo(group: Group): Promise<void> {
    const isFirst = !group.isRetiring;
    group.isRetiring = true;
    group.shed([...group.held.keys()]);
    try {
      if (isFirst) await this.sql.rows(RETIRE, [this.replica, group.group]);
      await this.releaseShed(group);
    } catch (error) {
      this.complain(error);
    }
  }

  /** For a group: lets go of its parts. */
  async leave(group: Group): Promise<void> {
    const parts = [...group.held.keys(), ...group.shedding];
    this.groups.delete(group.group);
    group.drop(parts);
    if (parts.length > 0 && !this.stopped) await this.sql.rows(RELEASE, [this.replica, group.group, parts]);
  }

  private tick(): void {
    if (performance.now() - this.renewedAt > LEASE_TTL_MS - MARGIN_MS) for (const group of this.groups.values()) group.shed([...group.held.keys()]);
    this.beating ??= this.beat()
      .then(() => void (this.failing = false))
      .catch((error: unknown) => this.complain(error))
      .finally(() => (this.beating = undefined));
  }

  private async beat(): Promise<void> {
    const groups = [...this.groups.values()];
    const asked = performance.now();
    for (const group of groups) await this.releaseShed(group);
    const sharing = groups.filter((group) => !group.isRetiring);
    const [beat] = await this.sql.rows<Beat>(BEAT, [this.replica, groups.map((group) => group.group), LEASE_TTL_MS, sharing.map((group) => group.group), this.knows]);
    if (!beat) throw new Error('PostgreSQL answered the renewal of leases with no row');
    this.renewedAt = asked;
    for (const group of groups) await this.settle(group, beat);
  }

  private async settle(group: Group, beat: Beat): Promise<void> {
    const kept = new Set(beat.kept.flatMap((lease) => (lease.group === group.group ? lease.part : [])));
    group.drop([...group.held.keys(), ...group.shedding].filter((part) => !kept.has(part)));
    const { others = 0, free = 0 } = beat.groups.find((entry) => entry.group === group.group) ?? {};
    const share = Math.ceil(group.parts / (others + 1));
    const surplus = [...group.held.keys()].slice(share);
    group.shed(surplus);
    if (free > 0 && group.held.size < share && !this.stopped && !group.isRetiring) await this.claim(group, share - group.held.size);
  }

  private async claim(group: Group, most: number): Promise<void> {
    const claimed = await this.sql.rows<{ part: number; epoch: string; previous: string | null }>(CLAIM, [this.replica, group.group, most, LEASE_TTL_MS, group.carrier ?? null]);
    for (const { part, epoch, previous } of claimed) {
      group.held.set(part, { epoch, previousCarrier: previous !== null && previous !== group.carrier ? previous : undefined });
    }
    if (claimed.length > 0) group.changed();
  }

  private async releaseShed(group: Group): Promise<void> {
    const parts = [...group.shedding].filter((part) => group.mayGo(part));
    if (parts.length === 0) return;
    await this.sql.rows(RELEASE, [this.replica, group.group, parts]);
    for (const part of parts) group.shedding.delete(part);
  }

  /** Once for each time that the database is away, not at each beat. */
  private complain(error: unknown): void {
    if (!this.failing && !this.stopped) this.logger.warn(`leases can not be renewed: ${error instanceof Error ? error.message : String(error)}`);
    this.failing = true;
  }
}

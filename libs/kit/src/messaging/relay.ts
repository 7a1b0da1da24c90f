import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Carrier, StoredMessage } from '../transport/index.js';
import type { Leases, LeaseGroup } from './lease.js';
import { afterSend } from './points.js';
import { PARTITIONS } from './schema.js';
import type { Sql } from './sql.js';

/** Rows that one round of a relay reads at the most: what bounds its memory. */
export const RELAY_ROWS_MAX = 512;
const PART_ROWS_MAX = RELAY_ROWS_MAX / PARTITIONS;
/** Bytes of payload of one round, beyond which each partition gives one message more at the most. */
const RELAY_BYTES_MAX = 4 * 1024 * 1024;
const POLL_MIN_MS = 20;
const POLL_MAX_MS = 500;
/** From the start of a round to that of the next one at the least, unless it found more than it could carry: so that many small commits share one. */
const ROUND_MIN_MS = 10;
const BACKOFF_MAX_MS = 2_000;
const RESET_ROWS_MAX = 5_000;

interface OutboxRow {
  readonly seq: string;
  readonly partition: number;
  readonly id: string;
  readonly kind: StoredMessage['kind'];
  readonly name: string;
  readonly target: string | null;
  readonly key: string;
  readonly payload: string;
  readonly headers: StoredMessage['headers'];
  readonly created_at: Date;
}

const COLUMNS = 'seq, partition, id, kind, name, target, key, payload, headers, created_at';
// Partition by partition: each is a scan of the index in order, which passes over what was marked and not yet vacuumed only once. One
// scan over all of them would be a bitmap's, which reads all of that again and again. The order begins with what is null in all of them
// so that no other index has it: the planner takes that of the numbers for shorter, and goes through all that was sent before.
const UNSENT = `
select o.* from unnest($1::smallint[]) part cross join lateral (
  select ${COLUMNS} from (
    select *, sum(octet_length(payload)) over (order by seq) - octet_length(payload) as before from (
      select * from outbox where sent_at is null and partition = part order by sent_at, seq limit $2
    ) next
  ) counted where before < ${RELAY_BYTES_MAX / PARTITIONS} order by seq
) o`;

/** Only the holder of a row's partition marks it: one that lost its lease changes nothing. */
const fenced = (epochs: string): string =>
  `exists (select from message_lease l where l."group" = 'relay' and l.part = o.partition and l.epoch = (${epochs}::bigint[])[o.partition + 1] and l.expires_at > clock_timestamp())`;
const MARK = `
with marked as (update outbox o set sent_at = coalesce(sent_at, clock_timestamp()), sent_via = $2 where o.seq = any($1::bigint[]) and ${fenced('$3')} returning 1)
select count(*)::int as count from marked`;

// What the carriers that are like $2, and not $3, took over of partitions: to where nobody may look now. In pages, after a number.
const elsewhere = (rows: number): string => `sent_at is not null and sent_via like $2 and sent_via <> $3 and partition = any($1::smallint[]) and seq > $4::bigint order by seq limit ${rows}`;
const ELSEWHERE = `
select ${COLUMNS} from (
  select *, sum(octet_length(payload)) over (order by seq) - octet_length(payload) as before from (select * from outbox where ${elsewhere(RELAY_ROWS_MAX)}) page
) o where before < ${RELAY_BYTES_MAX} order by seq`;
const RESET = `
with page as materialized (select seq from outbox where ${elsewhere(RESET_ROWS_MAX)}),
reset as (update outbox o set sent_at = null, sent_via = null from page where o.seq = page.seq and ${fenced('$5')} returning 1)
select (select count(*) from page)::int as found, (select count(*) from reset)::int as count, (select max(seq) from page) as last`;

// Which carriers have had something of a partition is written down before they have it, so that only after another one rows are looked for.
const FOREIGN = 'select distinct o.partition from outbox_carrier o where o.partition = any($1::smallint[]) and o.via like $2 and o.via <> $3';
const NOTE = `
with gone as (delete from outbox_carrier o where o.partition = any($1::smallint[]) and o.via like $2 and o.via <> $3 and ${fenced('$4')})
insert into outbox_carrier (partition, via) select o.partition, $3 from unnest($1::smallint[]) o(partition) where ${fenced('$4')}
on conflict (partition, via) do update set via = excluded.via
returning partition`;

/**
 * Carries a module's outbox to where its messages go. Of all replicas one at a time works on a partition, under a lease; rows are
 * read in the order of their numbers and marked after they were taken over for good, so that a crash between the two sends them
 * again, which their receivers do not notice. A carrier that is away only makes the outbox longer.
 */
export class Relay {
  private readonly logger = new Logger('relay');
  private readonly group: LeaseGroup;
  private running: Promise<void> | undefined;
  private stopped = false;
  private woken = false;
  private waiting: (() => void) | undefined;
  private failures = 0;
  /** Parts whose rows of another carrier have been looked at, and under which epoch. */
  private readonly takenOver = new Map<number, string>();
  private incarnation: string | undefined;

  constructor(
    private readonly sql: Sql,
    private readonly module: string,
    private readonly carrier: Carrier,
    leases: Leases,
  ) {
    this.group = leases.join('relay', PARTITIONS, { carrier: carrier.name });
    this.group.onChange(() => this.wake());
  }

  start(): void {
    this.running = this.run();
  }

  /** There may be something to send. */
  wake(): void {
    this.woken = true;
    // a carrier that fails is not asked more often because there is more to carry
    if (this.failures === 0 || this.stopped) this.waiting?.();
  }

  /** Ends after the batch under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    let pauseMs = POLL_MIN_MS;
    while (!this.stopped) {
      // also when nothing is held: whoever wakes a relay that may not work must not keep it awake
      this.woken = false;
      const startedAt = performance.now();
      const carried = this.group.held.size > 0 ? await this.safely() : 0;
      if (this.failures > 0) await this.pause(backoffMs(this.failures));
      else if (carried > 0 && !this.stopped) await gather(carried, startedAt);
      // after an empty round the next one comes ever later, unless it is asked for
      pauseMs = carried > 0 || this.woken ? POLL_MIN_MS : Math.min(pauseMs * 2, POLL_MAX_MS);
      if (carried === 0) await this.pause(pauseMs);
    }
  }

  /** A round whose failure is told once, and makes the next ones come later. */
  private async safely(): Promise<number> {
    try {
      const carried = await this.round();
      this.failures = 0;
      return carried;
    } catch (error) {
      this.failures += 1;
      if (this.failures === 1 && !this.stopped) this.logger.warn(`${this.module}: messages are not sent for now: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    }
  }

  /** Sends a batch; answers how many messages it had. Of each key they are in order. */
  private async round(): Promise<number> {
    const incarnation = await this.carrier.incarnation();
    const via = incarnation === undefined ? this.carrier.name : `${this.carrier.name}:${incarnation}`;
    const epochs = this.epochs();
    const parts = [...this.group.held.keys()];
    const taken = parts.filter((part) => this.incarnation !== via || this.takenOver.get(part) !== epochs[part]);
    if (taken.length > 0 && !(await this.takeOver(taken, via, epochs))) return 0;
    const rows = await this.sql.rows<OutboxRow>(UNSENT, [parts, PART_ROWS_MAX]);
    if (rows.length > 0) await this.carry(rows, via, epochs);
    return rows.length;
  }

  /** Answers whether all that was taken over could be marked: the partitions are still this replica's. */
  private async carry(rows: readonly OutboxRow[], via: string, epochs: readonly (string | null)[]): Promise<boolean> {
    const { accepted, failure } = await this.carrier.send(this.module, rows.map((row) => this.messageOf(row)));
    afterSend(this.module);
    const sent = rows.filter((row) => accepted.has(row.id));
    const [marked] = sent.length > 0 ? await this.sql.rows<{ count: number }>(MARK, [sent.map((row) => row.seq), via, epochs]) : [];
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error('the messages were not stored', { cause: failure });
    if (sent.length < rows.length) throw new Error('some messages were not taken over');
    return marked?.count === sent.length;
  }

  /**
   * Before new rows of parts that came to this replica, or of a log that was made anew, are sent: those that went where nobody finds
   * them now. Sent again in order; receivers know those that they have. Answers `false` when a part was lost meanwhile.
   */
  private async takeOver(parts: readonly number[], via: string, epochs: readonly (string | null)[]): Promise<boolean> {
    // what went straight into inboxes is there, whatever becomes of a log
    const isLocal = via === this.carrier.name;
    const others = isLocal ? '%' : `${this.carrier.name}:%`;
    const foreign = (await this.sql.rows<{ partition: number }>(FOREIGN, [parts, others, via])).map((row) => row.partition);
    if (foreign.length > 0 && !(await (isLocal ? this.sendAgain(foreign, others, via, epochs) : this.reset(foreign, others, via, epochs)))) return false;
    const noted = await this.sql.rows<object>(NOTE, [parts, others, via, epochs]);
    if (noted.length !== parts.length) return false;
    if (this.incarnation !== via) this.takenOver.clear();
    this.incarnation = via;
    for (const part of parts) this.takenOver.set(part, epochs[part] as string);
    return true;
  }

  private async sendAgain(parts: readonly number[], others: string, via: string, epochs: readonly (string | null)[]): Promise<boolean> {
    let last = '0';
    while (!this.stopped) {
      const rows: readonly OutboxRow[] = await this.sql.rows<OutboxRow>(ELSEWHERE, [parts, others, via, last]);
      const end = rows.at(-1);
      if (!end) return true;
      if (!(await this.carry(rows, via, epochs))) return false;
      last = end.seq;
    }
    return false;
  }

  private async reset(parts: readonly number[], others: string, via: string, epochs: readonly (string | null)[]): Promise<boolean> {
    let last = '0';
    while (!this.stopped) {
      const [page] = await this.sql.rows<{ found: number; count: number; last: string | null }>(RESET, [parts, others, via, last, epochs]);
      if (page === undefined || page.count !== page.found) return false;
      if (page.last === null) return true;
      last = page.last;
    }
    return false;
  }

  private epochs(): (string | null)[] {
    return Array.from({ length: PARTITIONS }, (_, part) => this.group.held.get(part)?.epoch ?? null);
  }

  private messageOf(row: OutboxRow): StoredMessage {
    const { id, kind, name, target, key, payload, headers } = row;
    return { id, kind, name, source: this.module, target: target ?? undefined, key, payload, headers, occurredAt: row.created_at.toISOString() };
  }

  private pause(ms: number): Promise<void> {
    if (this.stopped || (this.woken && this.failures === 0)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms).unref();
      this.waiting = done;
    });
  }
}

/** Waits for others to commit before the next round; not after one that left messages behind. */
async function gather(carried: number, startedAt: number): Promise<void> {
  const waitMs = ROUND_MIN_MS - (performance.now() - startedAt);
  if (carried < PART_ROWS_MAX && waitMs > 1) await sleep(waitMs, undefined, { ref: false });
}

function backoffMs(failures: number): number {
  return Math.random() * Math.min(BACKOFF_MAX_MS, 50 * 2 ** failures);
}

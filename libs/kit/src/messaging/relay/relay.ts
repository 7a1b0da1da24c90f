import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { MessageLog, StoredMessage, StoredPlace } from '../../transport/index.js';
import { afterSend } from '../signals/checkpoints.js';
import type { Assignment, Membership } from '../replicas/membership.js';
import { staysMember } from '../replicas/membership-sql.js';
import type { LaneEntry, OutboxLane, OutgoingMessage } from '../outbox/outbox-lane.js';
import { PARTITIONS } from '../storage/partitions.js';
import type { Sql } from '../storage/sql.js';
import { Waker } from '../signals/waker.js';

/** The most rows that one round of a relay reads, which bounds its memory. */
export const RELAY_ROWS_MAX = 512;
const PART_ROWS_MAX = RELAY_ROWS_MAX / PARTITIONS;
/** Bytes of payload of one round, beyond which each partition adds at most one more message. */
const RELAY_BYTES_MAX = 4 * 1024 * 1024;
/**
 * The shortest time from the start of a round to the start of the next, unless it found more than it could send, in
 * milliseconds: so that many small commits share a round.
 */
const ROUND_MIN_MS = 4;
/**
 * How long sent messages wait to be marked together with the next ones, in milliseconds; unmarked messages are sent
 * again after a crash.
 */
const MARK_AFTER_MS = 1_000;
/** The pause before another check whether a part can be taken over, in milliseconds. */
const BEHIND_PAUSE_MS = 50;
/** The number of unmarked sent messages at which marking does not wait. */
const MARK_MAX = 256;
const BACKOFF_MAX_MS = 2_000;
const RESET_ROWS_MAX = 5_000;
/**
 * How many messages are looked up in the log at a time, and how many at least when the connection was lost while some
 * were being sent.
 */
const CONFIRMED_ROWS = 256;
const CONFIRMED_MIN = 1_024;
/** Greater than every sequence number of an outbox. */
const SEQ_MAX = '9223372036854775807';

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

interface ConfirmedRow extends Omit<StoredPlace, 'source'> {
  readonly seq: string;
}

const COLUMNS = 'seq, partition, id, kind, name, target, key, payload, headers, created_at';

/** Only a member marks rows: a removed replica changes nothing, and no replica can be removed during the statement. */
const marked = (seqs: string, sequences: string, via: string, replica: string): string => `
  update fledge_outbox o set sent_at = coalesce(o.sent_at, clock_timestamp()), sent_via = ${via}, sent_seq = sent.at
  from unnest(${seqs}::bigint[], ${sequences}::bigint[]) as sent(seq, at) where o.seq = sent.seq and ${staysMember(replica)} returning 1`;
const MARK = `with marked as (${marked('$1', '$2', '$3', '$4')}) select count(*)::int as count from marked`;

// Marks what the previous round sent, and looks for more. It goes partition by partition: each is an ordered index
// scan, which skips rows that are marked but not yet vacuumed only once. One scan over all partitions would be a bitmap
// scan, which reads all of those again each time. The order begins with a column that is null in all of the rows so
// that no other index has it: the planner would prefer the index of the sequence numbers, and read everything that was
// sent before.
const UNSENT = `
with marked as (${marked('$3', '$4', '$5', '$6')})
select o.* from unnest($1::smallint[]) part cross join lateral (
  select ${COLUMNS} from (
    select *, sum(octet_length(payload)) over (order by seq) - octet_length(payload) as before from (
      select * from fledge_outbox where sent_at is null and partition = part and seq <> all($3::bigint[]) order by sent_at, seq limit $2
    ) next
  ) counted where before < ${RELAY_BYTES_MAX / PARTITIONS} order by seq
) o`;

// What other message logs (like $2, and not $3) took from some partitions, where nobody may read it now. In pages,
// after a sequence number.
const elsewhere = (rows: number): string =>
  `sent_at is not null and sent_via like $2 and sent_via <> $3 and partition = any($1::smallint[]) and seq > $4::bigint order by seq limit ${rows}`;
const ELSEWHERE = `
select ${COLUMNS} from (
  select *, sum(octet_length(payload)) over (order by seq) - octet_length(payload) as before from (select * from fledge_outbox where ${elsewhere(RELAY_ROWS_MAX)}) page
) o where before < ${RELAY_BYTES_MAX} order by seq`;
const RESET = `
with page as materialized (select seq from fledge_outbox where ${elsewhere(RESET_ROWS_MAX)}),
reset as (update fledge_outbox o set sent_at = null, sent_via = null, sent_seq = null from page where o.seq = page.seq and ${staysMember('$5')} returning 1)
select (select count(*) from page)::int as found, (select count(*) from reset)::int as count, (select max(seq) from page) as last`;

// A message log is recorded for a partition before it gets any of its messages, so that only a change of the log
// requires a search for rows.
const FOREIGN =
  'select distinct o.partition from fledge_outbox_carrier o where o.partition = any($1::smallint[]) and o.via like $2 and o.via <> $3';
const NOTE = `
with gone as (delete from fledge_outbox_carrier o where o.partition = any($1::smallint[]) and o.via like $2 and o.via <> $3 and ${staysMember('$4')})
insert into fledge_outbox_carrier (partition, via) select o.partition, $3 from unnest($1::smallint[]) o(partition) where ${staysMember('$4')}
on conflict (partition, via) do update set via = excluded.via
returning partition`;

// The messages that the log $1 confirmed last, with their positions: those that it may have lost since.
const CONFIRMED = `
select seq, id, kind, name, sent_seq::float8 as sequence from fledge_outbox
where sent_via = $1 and sent_seq is not null and partition = any($2::smallint[]) and seq < $3::bigint order by seq desc limit ${CONFIRMED_ROWS}`;
const UNMARK = `
with unmarked as (update fledge_outbox set sent_at = null, sent_via = null, sent_seq = null where id = any($1::uuid[]) and sent_via = $2 and ${staysMember('$3')} returning 1)
select count(*)::int as count from unmarked`;

/** Messages that a message log has accepted and that are not marked yet. */
interface Sent {
  readonly via: string;
  readonly seqs: string[];
  /** The log's position of each; `null` if it has none. */
  readonly sequences: (number | null)[];
}

/**
 * Sends a module's outbox to its receivers. Only one replica at a time works on a partition. Rows are sent in the order
 * of their sequence numbers and marked after they were durably accepted, so that a crash between the two sends them
 * again; receivers ignore such duplicates. While a message log is away, the outbox only grows.
 *
 * While this replica is alone and has sent everything in the table, it gets what its transactions store directly in
 * memory; see `OutboxLane`.
 */
export class Relay {
  private readonly logger = new Logger('relay');
  private readonly group: Assignment;
  private running: Promise<void> | undefined;
  private stopped = false;
  private readonly waker = new Waker();
  private failures = 0;
  private isBusy = false;
  /** Whether the table may have unsent messages that are not in the lane. */
  private behind = true;
  private reading = false;
  private sent: Sent = { via: '', seqs: [], sequences: [] };
  /** Partitions already checked for rows that another message log took. */
  private readonly takenOver = new Set<number>();
  private incarnation: string | undefined;
  /** The connection to the log on which it was last seen to have what it confirmed. */
  private lookedAt: number | undefined;
  /** Whether partitions were taken over since then. */
  private hasNewParts = false;
  /** The most rows that one look takes per partition: the fewer partitions had some, the more. */
  private partRowsMax = PART_ROWS_MAX;

  constructor(
    private readonly sql: Sql,
    private readonly module: string,
    private readonly messageLog: MessageLog,
    private readonly membership: Membership,
    private readonly lane: OutboxLane,
  ) {
    this.group = membership.join('relay', PARTITIONS);
    this.group.onRelease(() => !this.isBusy);
    this.group.onChange(() => {
      for (const part of this.takenOver) if (!this.group.held.has(part)) this.takenOver.delete(part);
      this.fallBehind();
    });
    membership.onView(() => Promise.resolve(this.fallBehind()));
    membership.onTold('outbox', () => this.fallBehind());
    membership.onSigns(({ unsent }) => {
      if (unsent && this.sent.seqs.length === 0 && this.lane.isEmpty) this.fallBehind();
      else void this.lookAfterLog();
    });
  }

  start(): void {
    this.running = this.run();
  }

  /** A transaction of this process has stored messages. */
  stored(entry: LaneEntry): void {
    const { messages, state } = entry;
    if (!this.membership.isAlone && messages.some(({ partition }) => !this.group.held.has(partition)))
      this.membership.tell('outbox');
    // what a look in progress may not see stays in the lane until the look has ended
    if (state === 'open' || !this.isDirect || this.lane.isFull) {
      this.behind = true;
      if (!this.reading) this.lane.remove(entry);
    }
    this.wake();
  }

  /** There may be something in the table to send. */
  fallBehind(): void {
    this.behind = true;
    this.wake();
  }

  /** Notices a recreated log even when there is nothing new to send. */
  private async lookAfterLog(): Promise<void> {
    try {
      const incarnation = await this.messageLog.incarnation();
      const isAnother =
        incarnation !== undefined &&
        this.incarnation !== undefined &&
        this.incarnation !== `${this.messageLog.name}:${incarnation}`;
      if (isAnother || this.messageLog.connections?.() !== this.lookedAt) this.fallBehind();
    } catch {
      // an absent broker is reported when there is something to send
    }
  }

  private wake(): void {
    this.waker.woken = true;
    // new messages do not shorten the wait for a message log that fails
    if (this.failures === 0 || this.stopped) this.waker.rouse();
  }

  /** Ends after the current batch. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    await this.running;
    await this.mark().catch((error: unknown) =>
      this.logger.debug(`${this.module}: what was sent is not marked, and is sent again: ${String(error)}`),
    );
  }

  /** Whether new messages are taken from memory. */
  private get isDirect(): boolean {
    return (
      !this.behind &&
      this.membership.isAlone &&
      this.group.held.size === PARTITIONS &&
      this.takenOver.size === PARTITIONS
    );
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      // even when nothing is held: waking a relay that may not work must not keep it awake
      this.waker.woken = false;
      const startedAt = performance.now();
      const carried = this.group.held.size > 0 && this.hasWork() ? await this.safely() : 0;
      if (this.failures > 0 && !this.stopped) await this.waker.sleep(backoffMs(this.failures));
      else if (carried > 0 && !this.stopped) await gather(carried, startedAt);
      else await this.idle();
    }
  }

  private hasWork(): boolean {
    return !this.isDirect || !this.lane.isEmpty;
  }

  /** Waits for work; marks what was sent after a while at the latest. */
  private async idle(): Promise<void> {
    if (this.behind && this.group.held.size > 0) return this.waker.pause(BEHIND_PAUSE_MS);
    if (this.sent.seqs.length === 0) return this.waker.pause(Infinity);
    await this.waker.pause(MARK_AFTER_MS);
    if (!this.waker.woken) await this.mark().catch((error: unknown) => this.fail(error));
  }

  /** Runs a round. Logs its failure once, and delays the next ones. */
  private async safely(): Promise<number> {
    this.isBusy = true;
    try {
      const carried = await this.round();
      this.failures = 0;
      return carried;
    } catch (error) {
      this.fail(error);
      return 1;
    } finally {
      this.isBusy = false;
    }
  }

  private fail(error: unknown): void {
    this.behind = true;
    if (!this.reading) this.lane.removeCommitted();
    this.failures += 1;
    if (this.failures === 1 && !this.stopped)
      this.logger.warn(
        `${this.module}: messages are not sent for now: ${error instanceof Error ? error.message : String(error)}`,
      );
  }

  /** Sends a batch, in the order of each key; returns its number of messages. */
  private async round(): Promise<number> {
    const incarnation = await this.messageLog.incarnation();
    const via = incarnation === undefined ? this.messageLog.name : `${this.messageLog.name}:${incarnation}`;
    if (this.sent.seqs.length > 0 && (this.sent.via !== via || this.sent.seqs.length >= MARK_MAX)) await this.mark();
    if (this.incarnation !== via) this.takenOver.clear();
    const parts = [...this.group.held];
    const taken = parts.filter((part) => !this.takenOver.has(part));
    if (taken.length > 0 && !(await this.takeOver(taken, via))) return 0;
    if (!(await this.isWhole(via))) return 0;
    // messages from memory were never sent before: after a failure they are read from the table
    const isFirst = this.isDirect;
    const messages = isFirst ? this.lane.take(RELAY_ROWS_MAX) : await this.read(parts, via);
    if (messages.length > 0) await this.carry(messages, via, isFirst);
    return messages.length;
  }

  /**
   * Whether the log still has what it confirmed, checked once per connection, and when partitions are taken over. Messages that a broker has lost (its
   * newest ones, by a power cut or a restored disk) are sent again before anything else.
   */
  private async isWhole(via: string): Promise<boolean> {
    const connections = this.messageLog.connections?.();
    const isSame = connections === this.lookedAt;
    if (connections === undefined || (isSame && !this.hasNewParts)) return true;
    await this.mark();
    const least = isSame || this.lookedAt === undefined ? 1 : CONFIRMED_MIN;
    let lost = 0;
    for (let [seen, before, found] = [0, SEQ_MAX, true]; found || seen < least;) {
      const rows: readonly ConfirmedRow[] = await this.sql.rows<ConfirmedRow>(CONFIRMED, [
        via,
        [...this.group.held],
        before,
      ]);
      const last = rows.at(-1);
      if (!last) break;
      const missing = (await this.messageLog.missing?.(rows.map((row) => ({ ...row, source: this.module })))) ?? [];
      if (missing.length > 0) await this.sql.rows(UNMARK, [missing, via, this.membership.replica]);
      lost += missing.length;
      found = missing.length > 0;
      seen += rows.length;
      before = last.seq;
    }
    if (lost > 0)
      this.logger.error(
        `${this.module}: the broker has lost ${lost} messages that it had confirmed (a power cut, a restored disk): they are sent again`,
      );
    if (lost > 0) this.behind = true;
    // if the connection was lost in the meantime, the new one is checked again
    this.lookedAt = connections;
    this.hasNewParts = false;
    return connections === this.messageLog.connections?.();
  }

  /** Reads unsent messages, and marks sent ones. When there are none, new messages are taken from memory. */
  private async read(parts: readonly number[], via: string): Promise<OutgoingMessage[]> {
    const settled = this.lane.settled();
    const { seqs, sequences } = this.take();
    this.behind = false;
    this.reading = true;
    try {
      const rows = await this.sql.rows<OutboxRow>(UNSENT, [
        parts,
        this.partRowsMax,
        seqs,
        sequences,
        via,
        this.membership.replica,
      ]);
      if (rows.length > 0) this.behind = true;
      this.partRowsMax = Math.floor(RELAY_ROWS_MAX / Math.max(new Set(rows.map(({ partition }) => partition)).size, 2));
      return rows.map((row) => this.outgoing(row));
    } catch (error) {
      this.restore({ via, seqs, sequences });
      throw error;
    } finally {
      this.reading = false;
      for (const entry of this.behind ? this.lane.settled() : settled) this.lane.remove(entry);
    }
  }

  /** Resolves when everything accepted is queued for marking; rejects when something was not accepted. */
  private async carry(messages: readonly OutgoingMessage[], via: string, isFirst = false): Promise<void> {
    const { accepted, failure, sequences } = await this.messageLog.send(
      this.module,
      messages.map(({ message }) => message),
      isFirst,
    );
    afterSend(this.module);
    this.sent = { ...this.sent, via };
    for (const { seq, message } of messages) {
      if (!accepted.has(message.id)) continue;
      this.sent.seqs.push(seq);
      this.sent.sequences.push(sequences?.get(message.id) ?? null);
    }
    if (failure !== undefined)
      throw failure instanceof Error ? failure : new Error('the messages were not stored', { cause: failure });
    if (accepted.size < messages.length) throw new Error('some messages were not taken over');
  }

  private take(): Sent {
    const { sent } = this;
    this.sent = { via: sent.via, seqs: [], sequences: [] };
    return sent;
  }

  private restore({ via, seqs, sequences }: Sent): void {
    this.sent = { via, seqs: [...seqs, ...this.sent.seqs], sequences: [...sequences, ...this.sent.sequences] };
  }

  /** Marks sent messages. Returns whether all of them were marked, that is, this replica is still a member. */
  private async mark(): Promise<boolean> {
    const sent = this.take();
    if (sent.seqs.length === 0) return true;
    try {
      const [row] = await this.sql.rows<{ count: number }>(MARK, [
        sent.seqs,
        sent.sequences,
        sent.via,
        this.membership.replica,
      ]);
      return row?.count === sent.seqs.length;
    } catch (error) {
      this.restore(sent);
      throw error;
    }
  }

  /**
   * Runs before new rows of partitions that this replica has taken over, or of a recreated log, are sent. Sends again,
   * in order, the messages that went where nobody can find them now; receivers recognize those that they have. Returns
   * `false` when this replica was removed in the meantime.
   */
  private async takeOver(parts: readonly number[], via: string): Promise<boolean> {
    // messages that went directly into inboxes are safe, whatever happens to a log
    const isLocal = via === this.messageLog.name;
    // a local log also resends what any other kind of log took: nobody reads that log any more, so what no inbox had
    // stored is lost
    const others = isLocal ? '%' : '%:%';
    const foreign = (await this.sql.rows<{ partition: number }>(FOREIGN, [parts, others, via])).map(
      (row) => row.partition,
    );
    if (
      foreign.length > 0 &&
      !(await (isLocal ? this.sendAgain(foreign, others, via) : this.reset(foreign, others, via)))
    )
      return false;
    const noted = await this.sql.rows<object>(NOTE, [parts, others, via, this.membership.replica]);
    if (noted.length !== parts.length) return false;
    this.behind = true;
    this.incarnation = via;
    // who had them may have ended before it compared them with the log
    this.hasNewParts = true;
    for (const part of parts) if (this.group.held.has(part)) this.takenOver.add(part);
    return true;
  }

  private async sendAgain(parts: readonly number[], others: string, via: string): Promise<boolean> {
    let last = '0';
    while (!this.stopped) {
      const rows: readonly OutboxRow[] = await this.sql.rows<OutboxRow>(ELSEWHERE, [parts, others, via, last]);
      const end = rows.at(-1);
      if (!end) return true;
      await this.carry(
        rows.map((row) => this.outgoing(row)),
        via,
      );
      if (!(await this.mark())) return false;
      last = end.seq;
    }
    return false;
  }

  private async reset(parts: readonly number[], others: string, via: string): Promise<boolean> {
    let last = '0';
    while (!this.stopped) {
      const [page] = await this.sql.rows<{ found: number; count: number; last: string | null }>(RESET, [
        parts,
        others,
        via,
        last,
        this.membership.replica,
      ]);
      if (page === undefined || page.count !== page.found) return false;
      if (page.last === null) return true;
      last = page.last;
    }
    return false;
  }

  private outgoing(row: OutboxRow): OutgoingMessage {
    const { seq, partition, id, kind, name, target, key, payload, headers } = row;
    return {
      seq,
      partition,
      message: {
        id,
        kind,
        name,
        source: this.module,
        target: target ?? undefined,
        key,
        payload,
        headers,
        occurredAt: row.created_at.toISOString(),
        partition,
      },
    };
  }
}

/** Waits for further commits before the next round; not after a round that left messages behind. */
async function gather(carried: number, startedAt: number): Promise<void> {
  const waitMs = ROUND_MIN_MS - (performance.now() - startedAt);
  if (carried < PART_ROWS_MAX && waitMs > 1) await sleep(waitMs, undefined, { ref: false });
}

function backoffMs(failures: number): number {
  return Math.random() * Math.min(BACKOFF_MAX_MS, 50 * 2 ** failures);
}

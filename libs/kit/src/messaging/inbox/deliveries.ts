import type { StoredMessage } from '../../transport/index.js';
import type { FailedAttempt } from '../consumers/consumer.js';
import { MembershipLost } from '../consumers/delivery-errors.js';
import type { HandOver } from './hand-over.js';
import { inboxRow } from './inbox-row.js';
import { isMember } from '../replicas/membership-sql.js';
import { partitionOf } from '../storage/partitions.js';
import type { Sql } from '../storage/sql.js';

/** A message in the inbox for a consumer of this replica. */
export interface Delivery {
  readonly consumer: string;
  readonly message: StoredMessage;
  readonly partition: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** The hand-over that brought it here before it was stored. */
  readonly handOver?: HandOver;
}

/** What a look into the inbox found for one key. */
export interface Found {
  readonly consumer: string;
  readonly key: string;
  readonly partition: number;
  /** `held`: a message of the key waits for its retry or for an operator, so this one may not be handled. */
  readonly state: 'ready' | 'held' | 'due';
  /** `undefined`: the key has a hold that is due and nothing is parked behind it. */
  readonly delivery: Delivery | undefined;
  readonly position: string;
}

/** A failed attempt to be recorded. */
export interface FailedDelivery {
  readonly delivery: Delivery;
  /** Counted attempts, including this one if it counts. */
  readonly attempts: number;
  readonly tried: FailedAttempt | undefined;
  /** `undefined`: no further attempt; the message is a dead letter. */
  readonly waitMs: number | undefined;
  /** Why the message is a dead letter. */
  readonly reason: string;
  readonly onDead: 'block' | 'skip';
}

/** Partitions of consumers, as two lists of equal length. */
export interface PartitionQuery {
  readonly consumers: readonly string[];
  readonly partitions: readonly number[];
}

/** Pairs of a consumer and a value, as two lists of equal length. */
export interface OfConsumers {
  readonly consumers: string[];
  readonly values: string[];
}

/** What a dispatcher has in memory, for each consumer separately: two consumers have messages with the same id. */
export interface InMemory {
  /** Ids of messages. */
  readonly messages: OfConsumers;
  /** Keys whose parked messages are in memory, or are not needed there yet. */
  readonly keys: OfConsumers;
}

/** The most ready rows of one partition that one look returns. */
export const LOOK_ROWS_MAX = 128;
/**
 * Bytes of payload of a partition, or of a key whose hold is due, beyond which one look returns at most one more
 * message.
 */
const LOOK_BYTES_MAX = 256 * 1024;
/** The most keys with a due hold that one look returns, and rows of each. */
const DUE_KEYS_MAX = 16;
const DUE_ROWS_MAX = 32;
/** How long a transaction that has settled its messages may be idle, in milliseconds: only its commit is left. */
const SETTLED_IDLE_MS = 10_000;
/** Within how many ready rows of a partition one statement finds those to park. */
const PARK_ROWS_MAX = 5_000;

const COLUMNS =
  'i.message_id as id, i.position, i.kind, i.name, i.source, i.payload, i.headers, i.occurred_at as "occurredAt", i.attempts';

/** The first of some rows of the inbox: as many as have `LOOK_BYTES_MAX` together, plus one. */
function bounded(rows: string): string {
  return `select * from (select *, sum(octet_length(payload)) over (order by position) - octet_length(payload) as before from (${rows}) next) counted where before < ${LOOK_BYTES_MAX} order by position`;
}

const LOOK = `
select q.consumer, i.key, i.partition, case when exists (select from fledge_hold h where h.consumer = q.consumer and h.key = i.key) then 'held' else 'ready' end as state, ${COLUMNS}
from unnest($1::text[], $2::smallint[]) as q(consumer, partition)
cross join lateral (${bounded(`
  select * from fledge_inbox r
  where r.consumer = q.consumer and r.partition = q.partition and r.state = 'ready'
    and (r.consumer, r.message_id) not in (select * from unnest($3::text[], $4::uuid[]))
  order by r.position limit $5`)}) i
union all
select h.consumer, h.key, h.partition, 'due', ${COLUMNS}
from (
  select h.* from unnest($8::text[], $9::smallint[]) as q(consumer, partition)
  join fledge_hold h on h.consumer = q.consumer and h.partition = q.partition
  where h.due_at <= clock_timestamp() and (h.consumer, h.key) not in (select * from unnest($6::text[], $7::text[])) order by h.due_at limit ${DUE_KEYS_MAX}
) h
left join lateral (${bounded(`
  select * from fledge_inbox r where r.consumer = h.consumer and r.key = h.key and r.state = 'parked' order by r.position limit ${DUE_ROWS_MAX}`)}) i on true`;

const SETTLE = `
update fledge_inbox i set state = 'handled', attempts = i.attempts + 1, ended_at = clock_timestamp()
where i.consumer = $1 and i.message_id = any($2::uuid[]) and i.state in ('ready', 'parked') and ${isMember('$3')}
returning 1`;

const given = (json: string): string => `
with given as (
  select * from json_to_recordset(${json}::json) as m(id uuid, source text, kind text, name text, key text, payload text, headers jsonb, occurred_at timestamptz)
)`;

// For messages that were not stored before: inserts their rows as handled. If one was stored in the meantime, its row
// is updated, unless another replica has handled it. A message of a held key may not be handled. Whoever stores one of
// them in the meantime waits for this transaction, and all other writers of the inbox wait too: the transaction of a
// frozen process ends soon.
const STORE_HANDLED = `${given('$2')}
insert into fledge_inbox as i (consumer, message_id, partition, source, kind, name, key, payload, headers, occurred_at, state, attempts, ended_at)
select $1, m.id, ${partitionOf('m.key')}, m.source, m.kind, m.name, m.key, m.payload, m.headers, m.occurred_at, 'handled', 1, clock_timestamp()
from given m, (select set_config('idle_in_transaction_session_timeout', '${SETTLED_IDLE_MS}', true)) limited
where ${isMember('$3')} and not exists (select from fledge_hold h where h.consumer = $1 and h.key = m.key)
on conflict (consumer, message_id) do update set state = 'handled', attempts = i.attempts + 1, ended_at = clock_timestamp() where i.state in ('ready', 'parked')
returning 1`;

const STORE_FAILED = `${given('$2')}
insert into fledge_inbox (consumer, message_id, partition, source, kind, name, key, payload, headers, occurred_at)
select $1, m.id, ${partitionOf('m.key')}, m.source, m.kind, m.name, m.key, m.payload, m.headers, m.occurred_at from given m where ${isMember('$3')}
on conflict (consumer, message_id) do nothing`;

const FAIL = `
with failed as (
  select * from json_to_recordset($2::json) as f(id uuid, before int, attempts int, tried jsonb, wait_ms float8, reason text, on_dead text)
), written as (
  update fledge_inbox i set
    state = case when f.wait_ms is null then 'dead' else 'parked' end,
    attempts = f.attempts, starts = 0,
    history = case when f.tried is null then i.history else coalesce(i.history, '[]') || f.tried end,
    ended_at = case when f.wait_ms is null then clock_timestamp() end
  from failed f
  where i.consumer = $1 and i.message_id = f.id and i.attempts = f.before and i.state in ('ready', 'parked') and ${isMember('$3')}
  returning i.*, f.wait_ms, f.reason, f.on_dead
), buried as (
  insert into fledge_dead_letter (consumer, message_id, source, kind, name, key, payload, headers, occurred_at, attempts, reason, history)
  select consumer, message_id, source, kind, name, key, payload, headers, occurred_at, attempts, reason, coalesce(history, '[]') from written where wait_ms is null
  on conflict (consumer, message_id) do update set
    attempts = excluded.attempts, reason = excluded.reason, history = excluded.history, died_at = excluded.died_at, state = 'dead', settled_at = null
), held as (
  insert into fledge_hold (consumer, key, partition, due_at)
  select distinct on (key) consumer, key, partition,
    case when wait_ms is not null then clock_timestamp() + wait_ms * interval '1 ms' when on_dead = 'skip' then clock_timestamp() end
  from written order by key
  on conflict (consumer, key) do update set due_at = excluded.due_at
)
select count(*)::int as written from written`;

// The hold is locked: this waits for a transaction that ends it, so that nothing is parked without a hold. Messages are
// parked in the order in which they came: no ready message of a key is older than a parked one.
const PARK = `
with held as materialized (select h.key from fledge_hold h where h.consumer = $1 and h.key = any($3::text[]) order by h.key for key share)
update fledge_inbox i set state = 'parked' where i.consumer = $1 and i.state = 'ready' and i.message_id in (
  select r.message_id from unnest($2::smallint[]) part cross join lateral (
    select * from fledge_inbox where consumer = $1 and partition = part and state = 'ready' order by position limit ${PARK_ROWS_MAX}
  ) r where r.key in (select key from held))`;

const IS_KNOWN = 'select from fledge_replica where $1 = any(knows) limit 1';

const STARTS = 'select starts from fledge_inbox where consumer = $1 and message_id = $2';

const START =
  "update fledge_inbox set starts = starts + 1 where consumer = $1 and message_id = $2 and state in ('ready', 'parked') returning starts";

// another replica may have settled it in the meantime, or counted its own starts from zero
const TAKE_BACK_START =
  "update fledge_inbox set starts = starts - 1 where consumer = $1 and message_id = $2 and state in ('ready', 'parked') and starts > 0";

/** The stored form of "this consumer's code can handle messages of this wire name". */
export function knowledge(consumer: string, wireName: string): string {
  return `${consumer} ${wireName}`;
}

interface LookRow {
  readonly consumer: string;
  readonly key: string;
  readonly partition: number;
  readonly state: Found['state'];
  readonly id: string | null;
  readonly position: string;
  readonly kind: 'event' | 'command';
  readonly name: string;
  readonly source: string;
  readonly payload: string;
  readonly headers: StoredMessage['headers'];
  readonly occurredAt: Date;
  readonly attempts: number;
}

/** The inbox, as the dispatcher of one module reads and writes it. */
export class Deliveries {
  constructor(
    private readonly sql: Sql,
    private readonly module: string,
  ) {}

  /**
   * Looks for messages to handle, in the order of each key; always one statement.
   * @param ready where to look for ready messages.
   * @param held where to look for due holds.
   * @param inMemory what to leave out.
   */
  async look(ready: PartitionQuery, held: PartitionQuery, inMemory: InMemory, rowsMax: number): Promise<Found[]> {
    const { messages, keys } = inMemory;
    const pairs = [messages.consumers, messages.values, rowsMax, keys.consumers, keys.values];
    const rows = await this.sql.rows<LookRow>(LOOK, [
      ready.consumers,
      ready.partitions,
      ...pairs,
      held.consumers,
      held.partitions,
    ]);
    return rows.map((row) => this.found(row));
  }

  /**
   * Records that a message is about to be handled. Returns how often that has been recorded, or `undefined` when the
   * message is already handled.
   */
  async noteStart({ consumer, message }: Delivery): Promise<number | undefined> {
    return (await this.sql.rows<{ starts: number }>(START, [consumer, message.id]))[0]?.starts;
  }

  /** Takes back one recorded start, because its process went on without settling the message. */
  async takeBackStart({ consumer, message }: Delivery): Promise<void> {
    await this.sql.rows(TAKE_BACK_START, [consumer, message.id]);
  }

  /** How often that has been recorded without the message being handled. */
  async startsOf({ consumer, message }: Delivery): Promise<number> {
    return (await this.sql.rows<{ starts: number }>(STARTS, [consumer, message.id]))[0]?.starts ?? 0;
  }

  private found(row: LookRow): Found {
    const { consumer, key, partition, state, position } = row;
    if (row.id === null) return { consumer, key, partition, state, position, delivery: undefined };
    const { id, kind, name, source, payload, headers, attempts } = row;
    const target = kind === 'command' ? this.module : undefined;
    const message: StoredMessage = {
      id,
      kind,
      name,
      source,
      target,
      key,
      payload,
      headers,
      occurredAt: row.occurredAt.toISOString(),
    };
    return { consumer, key, partition, state, position, delivery: { consumer, message, partition, attempts } };
  }

  /**
   * Records the results of one consumer's deliveries in the open transaction.
   * @param replica the id under which this replica handled them.
   * @throws MembershipLost when others have removed this replica, or another one handled one of the messages: the
   * transaction must not commit.
   */
  async settle(
    consumer: string,
    done: readonly Delivery[],
    failures: readonly FailedDelivery[],
    replica: string,
  ): Promise<void> {
    const unstored = done.filter(({ handOver }) => handOver);
    const stored = unstored.length === 0 ? done : done.filter(({ handOver }) => !handOver);
    if (stored.length > 0) {
      const rows = await this.sql.rows<object>(SETTLE, [consumer, stored.map((d) => d.message.id), replica]);
      if (rows.length !== stored.length) throw new MembershipLost(consumerGroup(consumer));
    }
    if (unstored.length > 0) {
      const rows = await this.sql.rows<object>(STORE_HANDLED, [
        consumer,
        JSON.stringify(unstored.map(({ message }) => inboxRow(message))),
        replica,
      ]);
      if (rows.length !== unstored.length) throw new MembershipLost(consumerGroup(consumer));
    }
    if (failures.length > 0) {
      const unwritten = failures.map(({ delivery }) => delivery).filter(({ handOver }) => handOver);
      if (unwritten.length > 0)
        await this.sql.rows<object>(STORE_FAILED, [
          consumer,
          JSON.stringify(unwritten.map(({ message }) => inboxRow(message))),
          replica,
        ]);
      const [row] = await this.sql.rows<{ written: number }>(FAIL, [
        consumer,
        JSON.stringify(failures.map(written)),
        replica,
      ]);
      if (row?.written !== failures.length) throw new MembershipLost(consumerGroup(consumer));
    }
  }

  /** Lets the open transaction be idle for this long, in milliseconds, because its handler waits for something else. */
  async mayIdle(ms: number): Promise<void> {
    await this.sql.rows("select set_config('idle_in_transaction_session_timeout', $1, true)", [String(ms)]);
  }

  /** Whether another live replica's code can handle a message of this name, which this replica's cannot. */
  async isKnownElsewhere({ consumer, message }: Delivery): Promise<boolean> {
    return (await this.sql.rows(IS_KNOWN, [knowledge(consumer, message.name)])).length > 0;
  }

  /**
   * Parks ready messages of held keys behind their hold, so that looks no longer find them; in the order in which they
   * came.
   */
  async park(consumer: string, partitions: readonly number[], keys: readonly string[]): Promise<void> {
    await this.sql.rows(PARK, [consumer, partitions, keys]);
  }

  /**
   * Ends a due hold with nothing parked behind it. Waits for anyone who is storing messages of the key and saw the
   * hold, so that none stays parked without a hold.
   */
  async release(consumer: string, key: string): Promise<void> {
    await this.sql.transaction(async () => {
      const gone = await this.sql.rows(
        'delete from fledge_hold where consumer = $1 and key = $2 and due_at <= clock_timestamp() returning 1',
        [consumer, key],
      );
      if (gone.length > 0)
        await this.sql.rows(
          "update fledge_inbox set state = 'ready' where consumer = $1 and key = $2 and state = 'parked'",
          [consumer, key],
        );
    });
  }
}

/** The group of work by which replicas divide a consumer's partitions. */
export function consumerGroup(consumer: string): string {
  return `consumer:${consumer}`;
}

function written({ delivery, attempts, tried, waitMs, reason, onDead }: FailedDelivery): object {
  return {
    id: delivery.message.id,
    before: delivery.attempts,
    attempts,
    tried: tried ? [tried] : null,
    wait_ms: waitMs ?? null,
    reason,
    on_dead: onDead,
  };
}

import { Logger } from '@nestjs/common';
import type { InboxPort, LogPosition, StoredMessage } from '../../transport/index.js';
import { afterAccept } from '../signals/checkpoints.js';
import { familyOf } from '../consumers/consumer.js';
import type { Found } from './deliveries.js';
import { MembershipLost } from '../consumers/delivery-errors.js';
import type { Addressed, HandOver } from './hand-over.js';
import { inboxRow } from './inbox-row.js';
import { flawOf, type Senders } from './message-flaw.js';
import type { Assignment, Membership } from '../replicas/membership.js';
import { isMember } from '../replicas/membership-sql.js';
import { partitionOf } from '../storage/partitions.js';
import type { Sql } from '../storage/sql.js';

const INTAKE = 'intake';

// One transaction at a time stores into an inbox, so that positions become visible in their order; the lock is taken
// before a row gets its position. All rows are inserted as ready, even those of held keys. Only the dispatcher parks
// them, in the order in which they came: one that was parked at once would overtake those that are still ready. A
// consumer never gets events that are older than its start, wherever they come from: a log that is read from its
// beginning, or a replay. A consumer that begins in the future began before the clock was set back; events published
// since then look older than they are. A command whose handler no replica has had yet waits for it: its sender was
// deployed first.
const accepted = (given: string, further = ''): string => `
with given as materialized (
  select * from json_to_recordset(${given}::json) as m(n int, id uuid, source text, kind text, name text, family text, key text, payload text, headers jsonb, occurred_at timestamptz)
), locked as materialized (
  select pg_advisory_xact_lock(hashtextextended('inbox:' || current_schema(), 0))
)${further}, stored as (
  insert into fledge_inbox (consumer, message_id, partition, source, kind, name, key, payload, headers, occurred_at)
  select coalesce(c.name, m.family), m.id, ${partitionOf('m.key')}, m.source, m.kind, m.name, m.key, m.payload, m.headers, m.occurred_at
  from given m left join fledge_consumer c on c.kind = m.kind and m.family = any(c.takes) and (m.kind = 'command' or m.occurred_at >= c.begins_at or c.begins_at > clock_timestamp()), (select count(*) from locked) all_locked
  where (c.name is not null or m.kind = 'command')${further && ' and exists (select from moved)'}
  order by m.n
  on conflict do nothing
  returning consumer, message_id, partition, position, key
)
select s.consumer, s.message_id as id, s.partition, s.position, exists (select from fledge_hold h where h.consumer = s.consumer and h.key = s.key) as "isHeld"`;

const ACCEPT = `${accepted('$1')}
from stored s order by s.position`;

// One statement, so that a frozen process cannot hold its locks. A row without a consumer means that the position was
// moved.
const MOVE = `${accepted(
  '$1',
  `, moved as (
  insert into fledge_log_position (incarnation, sequence, message_id) select $2, $3, $4::uuid where ${isMember('$5')}
  on conflict ("only") do update set incarnation = excluded.incarnation, sequence = excluded.sequence, message_id = excluded.message_id
  returning 1
)`,
)}
from (select 1 from moved) is_moved left join stored s on true order by s.position`;

// A consumer that begins in the future began before the clock was set back. When that clock is set forwards again,
// events published in the meantime must not look older than the consumer.
const BEGIN_BEFORE =
  "update fledge_consumer set begins_at = clock_timestamp() - interval '1 hour' where begins_at > clock_timestamp()";

interface ConsumerRow {
  readonly name: string;
  readonly kind: StoredMessage['kind'];
  readonly takes: readonly string[];
  readonly beginsAt: Date;
}

interface AcceptedRow {
  readonly consumer: string | null;
  readonly id: string;
  readonly partition: number;
  readonly position: string;
  readonly isHeld: boolean;
}

/** Handles what an inbox stores. */
export interface Receiver {
  /** Called before a store; its number is for `offer`, which ends it. */
  openLook(): number;
  /** There may be something in the inbox that was not offered. */
  wakeAll(): void;
  /** Takes what this process has just stored, in order. */
  offer(found: readonly Found[], look: number): void;
  /** Takes messages to handle them before they are stored; the caller stores those that it refuses. */
  handOver(messages: readonly Addressed[]): HandOver;
}

/**
 * The receiving side of a module: stores each message once per consumer (idempotent consumer, after Richardson's
 * "Microservices Patterns"). The list of consumers is in the database, so that a replica of an older version also
 * stores messages for a consumer that only a newer version has.
 */
export class Inbox implements InboxPort {
  private readonly logger = new Logger('inbox');
  private group: Assignment | undefined;
  private consumers: readonly ConsumerRow[] = [];
  /** A cache of the consumers by message name. */
  private readonly takers = new Map<string, readonly ConsumerRow[]>();
  private receiver: Receiver | undefined;

  constructor(
    private readonly sql: Sql,
    readonly module: string,
    private readonly membership: Membership,
    /** Default: whatever a log delivers is believed. */
    private readonly senders?: Senders,
    private readonly onQuarantined: () => void = () => undefined,
  ) {
    // a replica that adds to the list begins a new version of the view, and waits until all replicas know it
    membership.onView(() => this.readConsumers());
    membership.onClockStep(() => this.start());
  }

  /** Reads the list of consumers, and from then on again with each new version of the view. */
  async start(): Promise<void> {
    await this.sql.rows(BEGIN_BEFORE);
    await this.readConsumers();
  }

  /** Sets who handles what is stored in this process. */
  handTo(receiver: Receiver): void {
    this.receiver = receiver;
  }

  wants({ kind, name, target }: Pick<StoredMessage, 'kind' | 'name' | 'target'>): boolean {
    if (kind === 'command') return target === this.module;
    const family = familyOf(name);
    return this.consumers.some((consumer) => consumer.kind === 'event' && consumer.takes.includes(family));
  }

  flawOf(message: StoredMessage): string | undefined {
    return this.senders && flawOf(message, this.senders);
  }

  quarantined(place: string, why: string): void {
    this.onQuarantined();
    this.logger.error(`${place} is not delivered to ${this.module}, and no message waits for it: ${why}`);
  }

  subscriptions(): readonly string[] {
    return [...new Set(this.consumers.flatMap((consumer) => (consumer.kind === 'event' ? consumer.takes : [])))].sort();
  }

  async accept(messages: readonly StoredMessage[], position?: LogPosition): Promise<void> {
    if (messages.length === 0 && position === undefined) return;
    const look = this.receiver?.openLook() ?? 0;
    let found: readonly Found[] = [];
    try {
      found = await this.store(messages, position);
      if (found.length > 0) afterAccept(this.module);
    } catch (error) {
      // it is not known whether they are stored: the next messages of their keys must not overtake them
      this.receiver?.wakeAll();
      throw error;
    } finally {
      this.receiver?.offer(found, look);
    }
  }

  async handOver(messages: readonly StoredMessage[]): Promise<void> {
    const { receiver } = this;
    if (!receiver) return this.accept(messages);
    const handOver = receiver.handOver(messages.map((message) => ({ message, consumers: this.takersOf(message) })));
    const refused = this.accept(handOver.refused);
    const late = handOver.late().then((messages) => this.accept(messages));
    await Promise.all([refused, late]);
  }

  async position(): Promise<LogPosition | undefined> {
    const [row] = await this.sql.rows<{ incarnation: string; sequence: string; id: string | null }>(
      'select incarnation, sequence, message_id as id from fledge_log_position',
    );
    return (
      row && { incarnation: row.incarnation, sequence: Number(row.sequence), ...(row.id !== null && { id: row.id }) }
    );
  }

  whileReading(work: (signal: AbortSignal) => Promise<void>): void {
    // only replicas that read the log share this: one with another transport would hold it and read nothing
    const group = (this.group ??= this.membership.join(INTAKE, 1));
    let reading: AbortController | undefined;
    let last: Promise<void> = Promise.resolve();
    let running = false;
    group.onRelease(() => !running);
    const look = (): void => {
      const mine = group.held.has(0);
      if (!mine) {
        reading?.abort();
        reading = undefined;
      } else if (!reading) {
        const controller = (reading = new AbortController());
        // the previous reader must have ended: two at once would store in two orders
        last = last
          .then(() => {
            running = true;
            return work(controller.signal);
          })
          .catch((error: unknown) => this.logger.error(`${this.module} reads no messages any more: ${String(error)}`))
          .finally(() => {
            running = false;
            if (!group.held.has(0)) void this.membership.beatNow();
          });
      }
    };
    group.onChange(look);
    look();
  }

  private async store(
    messages: readonly StoredMessage[],
    position: LogPosition | undefined,
  ): Promise<readonly Found[]> {
    const given = JSON.stringify(
      messages.map((message, n) => ({ n, family: familyOf(message.name), ...inboxRow(message) })),
    );
    if (position === undefined) return this.foundOf(messages, await this.sql.rows<AcceptedRow>(ACCEPT, [given]));
    if (this.group?.held.has(0) !== true) throw new MembershipLost(INTAKE);
    const rows = await this.sql.rows<AcceptedRow>(MOVE, [
      given,
      position.incarnation,
      position.sequence,
      position.id ?? null,
      this.membership.replica,
    ]);
    if (rows.length === 0) throw new MembershipLost(INTAKE);
    return this.foundOf(messages, rows);
  }

  private foundOf(messages: readonly StoredMessage[], rows: readonly AcceptedRow[]): readonly Found[] {
    const [first] = rows;
    if (first === undefined || first.consumer === null) return [];
    const byId = new Map(messages.map((message) => [message.id, message]));
    return rows.map(({ consumer, id, partition, position, isHeld }): Found => {
      const message = byId.get(id) as StoredMessage;
      const name = consumer as string;
      return {
        consumer: name,
        key: message.key,
        partition,
        state: isHeld ? 'held' : 'ready',
        position,
        delivery: { consumer: name, message, partition, attempts: 0 },
      };
    });
  }

  /** The names of a message's consumers; none if only the database can decide who they are. */
  private takersOf({ kind, name, occurredAt }: StoredMessage): readonly string[] {
    let takers = this.takers.get(name);
    if (!takers) {
      const family = familyOf(name);
      takers = this.consumers.filter((consumer) => consumer.kind === kind && consumer.takes.includes(family));
      this.takers.set(name, takers);
    }
    const isAfter = kind === 'command' || takers.every(({ beginsAt }) => Date.parse(occurredAt) > beginsAt.getTime());
    return isAfter ? takers.map((taker) => taker.name) : [];
  }

  private async readConsumers(): Promise<void> {
    this.consumers = await this.sql.rows<ConsumerRow>(
      'select name, kind, takes, begins_at as "beginsAt" from fledge_consumer',
    );
    this.takers.clear();
  }
}

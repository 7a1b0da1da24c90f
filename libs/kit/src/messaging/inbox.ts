import { Logger } from '@nestjs/common';
import type { Intake, LogPosition, StoredMessage } from '../transport/index.js';
import { familyOf } from './consumer.js';
import { LeaseLost } from './delivery-errors.js';
import { LEASE_TTL_MS, type LeaseGroup, type Leases } from './lease.js';
import { afterAccept } from './points.js';
import { partitionOf } from './schema.js';
import type { Sql } from './sql.js';

/** How often the list of consumers is read again: a newer replica may have added to it. */
export const CONSUMERS_READ_EVERY_MS = 1_000;
const INTAKE = 'intake';

// One transaction at a time stores into an inbox, so that positions become visible in their order; the lock is taken before a row gets
// its position. All of them are ready, also those of keys that are held: the dispatcher alone parks them, those that came first before the
// others, or one that was parked at once would be taken before those that are ready still.
// An event from before its consumer is none for it, whenever and from wherever it comes: a log that is read from its start, a replay.
// A command whose handler no replica has had yet waits for it: its sender was deployed first.
const ACCEPT = `
with given as materialized (
  select * from json_to_recordset($1::json) as m(n int, id uuid, source text, kind text, name text, family text, key text, payload text, headers jsonb, occurred_at timestamptz)
), locked as materialized (
  select pg_advisory_xact_lock(hashtextextended('inbox:' || current_schema(), 0))
)
insert into inbox (consumer, message_id, partition, source, kind, name, key, payload, headers, occurred_at)
select coalesce(c.name, m.family), m.id, ${partitionOf('m.key')}, m.source, m.kind, m.name, m.key, m.payload, m.headers, m.occurred_at
from given m left join message_consumer c on c.kind = m.kind and m.family = any(c.takes) and (m.kind = 'command' or m.occurred_at >= c.begins_at), (select count(*) from locked) all_locked
where c.name is not null or m.kind = 'command'
order by m.n
on conflict do nothing
returning consumer`;

// Who is frozen between this and its commit holds what the next holder of the lease waits for: no longer than the lease.
const MOVE = `
insert into message_intake (incarnation, sequence) select $1, $2
where exists (select from message_lease l where l."group" = '${INTAKE}' and l.part = 0 and l.epoch = $3::bigint and l.expires_at > clock_timestamp())
on conflict ("only") do update set incarnation = excluded.incarnation, sequence = excluded.sequence
returning set_config('idle_in_transaction_session_timeout', '${LEASE_TTL_MS}', true)`;

interface ConsumerRow {
  readonly name: string;
  readonly kind: StoredMessage['kind'];
  readonly takes: readonly string[];
}

/**
 * The receiving side of a module: stores each message once for each consumer that takes it (idempotent consumer, after Richardson's
 * "Microservices Patterns"). Which consumers there are is in the database, so that a replica of an older version also stores for one
 * that only a newer version has.
 */
export class Inbox implements Intake {
  private readonly logger = new Logger('inbox');
  private readonly group: LeaseGroup;
  private consumers: readonly ConsumerRow[] = [];
  private timer: NodeJS.Timeout | undefined;
  private readonly listeners: (() => void)[] = [];

  constructor(
    private readonly sql: Sql,
    readonly module: string,
    leases: Leases,
  ) {
    this.group = leases.join(INTAKE, 1);
  }

  /** Reads the list of consumers, and from now on again and again. */
  async start(): Promise<void> {
    await this.readConsumers();
    this.timer = setInterval(() => void this.readConsumers().catch((error: unknown) => this.logger.debug(`${this.module}: consumers can not be read: ${String(error)}`)), CONSUMERS_READ_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Calls `listener` after messages were stored in this process. */
  onAccepted(listener: () => void): void {
    this.listeners.push(listener);
  }

  wants({ kind, name, target }: Pick<StoredMessage, 'kind' | 'name' | 'target'>): boolean {
    if (kind === 'command') return target === this.module;
    const family = familyOf(name);
    return this.consumers.some((consumer) => consumer.kind === 'event' && consumer.takes.includes(family));
  }

  subscriptions(): readonly string[] {
    return [...new Set(this.consumers.flatMap((consumer) => (consumer.kind === 'event' ? consumer.takes : [])))].sort();
  }

  async accept(messages: readonly StoredMessage[], position?: LogPosition): Promise<void> {
    const stored = position === undefined ? await this.store(messages) : await this.sql.transaction(() => this.storeAt(messages, position));
    if (stored === 0) return;
    afterAccept(this.module);
    for (const listener of this.listeners) listener();
  }

  async position(): Promise<LogPosition | undefined> {
    const [row] = await this.sql.rows<{ incarnation: string; sequence: string }>('select incarnation, sequence from message_intake');
    return row && { incarnation: row.incarnation, sequence: Number(row.sequence) };
  }

  whileReading(work: (signal: AbortSignal) => Promise<void>): void {
    let reading: AbortController | undefined;
    let last: Promise<void> = Promise.resolve();
    const look = (): void => {
      const mine = this.group.held.has(0);
      if (!mine) {
        reading?.abort();
        reading = undefined;
      } else if (!reading) {
        const controller = (reading = new AbortController());
        // the reading before must have ended: two at once would store in two orders
        last = last.then(() => work(controller.signal)).catch((error: unknown) => this.logger.error(`${this.module} reads no messages any more: ${String(error)}`));
      }
    };
    this.group.onChange(look);
    look();
  }

  private async storeAt(messages: readonly StoredMessage[], { incarnation, sequence }: LogPosition): Promise<number> {
    const epoch = this.group.held.get(0)?.epoch;
    const moved = epoch === undefined ? [] : await this.sql.rows(MOVE, [incarnation, sequence, epoch]);
    if (moved.length === 0) throw new LeaseLost(INTAKE);
    return this.store(messages);
  }

  private async store(messages: readonly StoredMessage[]): Promise<number> {
    if (messages.length === 0) return 0;
    const given = messages.map(({ id, source, kind, name, key, payload, headers, occurredAt }, n) => ({ n, id, source, kind, name, family: familyOf(name), key, payload, headers, occurred_at: occurredAt }));
    return (await this.sql.rows(ACCEPT, [JSON.stringify(given)])).length;
  }

  private async readConsumers(): Promise<void> {
    this.consumers = await this.sql.rows<ConsumerRow>('select name, kind, takes from message_consumer');
  }
}

import type { QueryRunner } from 'typeorm';
import {
  type Catalogue,
  currentContext,
  messageSpan,
  type OpenSpan,
  type TraceContext,
  traceHeadersOf,
  type Tracing,
} from '../../boundary/index.js';
import { type Class, eventSpec, InvalidMessage } from '../../contract/index.js';
import type { CommitHook, ModuleDataSource } from '../../data/index.js';
import { KEY_MAX, type MessageHeaders } from '../../transport/index.js';
import { ForeignEvent, NoOpenTransaction } from './outbox-errors.js';
import { afterCommit, beforeCommit } from '../signals/checkpoints.js';
import type { LaneEntry, OutboxLane, OutgoingMessage } from './outbox-lane.js';
import { partitionOf } from '../storage/partitions.js';
import { isStorable } from '../storage/storable.js';
import { encodeUser } from '../storage/user-text.js';

/** A message that waits for the commit of its transaction. */
interface Pending {
  readonly kind: 'event' | 'command';
  readonly name: string;
  readonly target: string | null;
  readonly key: string;
  /** JSON text. */
  readonly payload: string;
  readonly headers: MessageHeaders;
}

type Unsigned = Omit<Pending, 'headers'>;

/**
 * The number of locks that the keys of a module share. It bounds how many locks one transaction takes, whatever it
 * publishes: PostgreSQL has room for a few thousand.
 */
const LOCKS = 512;
/** The most messages that one statement stores. */
const STORE_MAX = 1_000;

// The locks of all keys are taken in a fixed order before any row gets its number, and are kept until the commit. So
// the numbers of a key rise in commit order, and two transactions never deadlock.
const locksOf = (keys: string): string => `
select pg_advisory_xact_lock(hashtext('outbox:' || current_schema()), slot) from (select distinct hashtext(key) & ${LOCKS - 1} as slot from ${keys} order by slot) slots`;

const STORE = `
with given as materialized (
  select * from json_to_recordset($1::json) as m(n int, kind text, name text, target text, key text, payload text, headers jsonb)
), locked as materialized (${locksOf('given')})
insert into fledge_outbox (kind, name, target, key, partition, payload, headers)
select kind, name, target, key, ${partitionOf('key')}, payload, headers from given, (select count(*) from locked) all_locked order by n
returning seq, id, partition, created_at as "createdAt"`;

// For a transaction whose messages need more than one statement.
const LOCK = locksOf('unnest($1::text[]) keys(key)');

interface StoredRow {
  readonly seq: string;
  readonly id: string;
  readonly partition: number;
  readonly createdAt: Date;
}

/**
 * A module's outgoing messages. They are checked and copied when they are added, kept with the open transaction, and
 * stored by one statement right before its commit (transactional outbox, after Richardson's "Microservices Patterns"):
 * a rollback leaves nothing.
 */
export class Outbox implements CommitHook {
  private readonly listeners: ((entry: LaneEntry) => void)[] = [];
  private readonly entries = new WeakMap<readonly unknown[], LaneEntry>();
  /** The spans of messages that are not stored yet; what is rolled back was never sent, and its span is dropped. */
  private readonly spans = new WeakMap<Pending, OpenSpan>();

  constructor(
    private readonly source: ModuleDataSource,
    private readonly module: string,
    private readonly catalogue: Catalogue,
    private readonly lane: OutboxLane,
    private readonly tracing?: Tracing,
  ) {
    source.commitHook = this;
  }

  /**
   * Calls `listener` after each commit that stored messages in this process, and after one whose outcome is unknown.
   */
  onStored(listener: (entry: LaneEntry) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Adds an event of the module's own contract to the current transaction.
   * @throws InvalidMessage when it does not fit its contract; NoOpenTransaction; ForeignEvent.
   */
  addEvent(event: object): void {
    const cls = event.constructor as Class;
    const compiled = this.catalogue.event(cls);
    if (compiled?.module !== this.module)
      throw new ForeignEvent(this.module, eventSpec(cls)?.name ?? cls.name, compiled?.module);
    const copy = compiled.codec.copy(event) as Record<string, unknown>;
    this.add({
      kind: 'event',
      name: compiled.name,
      target: null,
      key: keyOf(compiled.name, copy[compiled.key]),
      payload: JSON.stringify(copy),
    });
  }

  /**
   * Adds a command to the current transaction. The command's module handles it durably, in order with the others of the
   * key.
   * @throws InvalidMessage when it does not fit its contract; NoOpenTransaction.
   */
  addCommand(command: object, key: string): void {
    const compiled = this.catalogue.message(command.constructor as Class);
    if (compiled?.kind !== 'command') throw new TypeError(`${command.constructor.name} is no command of a contract`);
    const payload = JSON.stringify(compiled.input.copy(command));
    this.add({
      kind: 'command',
      name: compiled.name,
      target: compiled.module,
      key: keyOf(compiled.name, key),
      payload,
    });
  }

  /** Called by the data source before the commit: stores what was added. */
  async before(enlisted: readonly unknown[], runner: QueryRunner): Promise<void> {
    const pending = enlisted as readonly Pending[];
    const stored: OutgoingMessage[] = [];
    if (pending.length > STORE_MAX) await this.source.rowsPrepared(LOCK, [pending.map(({ key }) => key)], runner);
    for (let from = 0; from < pending.length; from += STORE_MAX) {
      const portion = pending.slice(from, from + STORE_MAX);
      const rows = await this.source.rowsPrepared<StoredRow>(
        STORE,
        [JSON.stringify(portion.map((message, n) => ({ n, ...message })))],
        runner,
      );
      rows.forEach((row, n) => stored.push(this.outgoing(row, portion[n] as Pending)));
    }
    this.entries.set(enlisted, this.lane.open(stored));
    beforeCommit(this.module);
  }

  /** Called by the data source after the commit: signals that there is something to send. */
  after(enlisted: readonly unknown[]): void {
    afterCommit(this.module);
    const entry = this.entries.get(enlisted) as LaneEntry;
    if (this.tracing)
      entry.messages.forEach(({ message }, n) =>
        this.endSpan(enlisted[n] as Pending, { 'messaging.message.id': message.id }),
      );
    this.lane.commit(entry);
    for (const listener of this.listeners) listener(entry);
  }

  /** Called by the data source: the transaction was rolled back, or its outcome is unknown. */
  failed(enlisted: readonly unknown[]): void {
    const entry = this.entries.get(enlisted);
    if (!entry) return;
    for (const pending of enlisted as readonly Pending[]) this.spans.delete(pending);
    this.lane.remove(entry);
    for (const listener of this.listeners) listener(entry);
  }

  private outgoing(
    { seq, id, partition, createdAt }: StoredRow,
    { kind, name, target, key, payload, headers }: Pending,
  ): OutgoingMessage {
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
        occurredAt: createdAt.toISOString(),
        partition,
      },
    };
  }

  private add(unsigned: Unsigned): void {
    const span = this.tracing?.begin(
      messageSpan('send', unsigned.name, { 'fledge.module': this.module, 'fledge.kind': unsigned.kind }),
    );
    const message: Pending = { ...unsigned, headers: currentHeaders(span?.trace) };
    if (!this.source.enlist(message)) {
      const error = new NoOpenTransaction(this.module, message.name);
      span?.end(error);
      throw error;
    }
    if (span) this.spans.set(message, span);
  }

  private endSpan(pending: Pending, attributes: Record<string, string>): void {
    const span = this.spans.get(pending);
    span?.note(attributes);
    span?.end();
    this.spans.delete(pending);
  }
}

function keyOf(name: string, key: unknown): string {
  if (typeof key === 'string' && key.length > 0 && key.length <= KEY_MAX && isStorable(key)) return key;
  throw new InvalidMessage(name, [
    {
      path: 'key',
      rule: 'key',
      message: `must be a text of 1 to ${KEY_MAX} characters without U+0000 and half surrogate pairs`,
    },
  ]);
}

/**
 * The headers that a message of the current work takes from its context.
 * @param trace default: that of the work.
 */
export function currentHeaders(trace?: string | TraceContext): MessageHeaders {
  const context = currentContext();
  const joined = trace ?? context?.trace;
  const headers = joined === undefined ? {} : traceHeadersOf(joined);
  const user = context?.identity?.subject ?? context?.onBehalfOf;
  return {
    ...headers,
    ...(context?.values && { context: context.values.text }),
    ...(user !== undefined && { onBehalfOf: encodeUser(user) }),
  };
}

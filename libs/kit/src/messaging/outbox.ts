import type { QueryRunner } from 'typeorm';
import { type Catalogue, currentFrame } from '../boundary/index.js';
import { type Class, eventSpec, InvalidMessage } from '../contract/index.js';
import type { CommitHook, ModuleDataSource } from '../data/index.js';
import { KEY_MAX } from '../transport/index.js';
import { ForeignEvent, NoOpenTransaction } from './outbox-errors.js';
import { afterCommit, beforeCommit } from './points.js';
import { partitionOf } from './schema.js';
import { isStorable } from './storable.js';

/** A message that waits for the commit of the transaction that it was stored in. */
interface Pending {
  readonly kind: 'event' | 'command';
  readonly name: string;
  readonly target: string | null;
  readonly key: string;
  /** JSON text. */
  readonly payload: string;
  readonly headers: { readonly traceparent?: string };
}

// The locks of all keys are taken before a row gets its number, in one order, and are kept until the commit: so the numbers of a
// key rise in the order of commits, whoever waits holds up nobody else, and two transactions never wait for each other.
const STORE = `
with given as materialized (
  select * from json_to_recordset($1::json) as m(n int, kind text, name text, target text, key text, payload text, headers jsonb)
), locked as materialized (
  select pg_advisory_xact_lock(hashtextextended('outbox:' || current_schema() || ':' || key, 0)) from (select distinct key from given order by key) keys
)
insert into outbox (kind, name, target, key, partition, payload, headers)
select kind, name, target, key, ${partitionOf('key')}, payload, headers from given, (select count(*) from locked) all_locked order by n`;

/**
 * A module's outgoing messages. They are checked and copied when they are added, kept with the open transaction, and stored by one
 * statement right before its commit (transactional outbox, after Richardson's "Microservices Patterns"): a rollback leaves nothing.
 */
export class Outbox implements CommitHook {
  private readonly listeners: (() => void)[] = [];

  constructor(
    private readonly source: ModuleDataSource,
    private readonly module: string,
    private readonly catalogue: Catalogue,
  ) {
    source.commitHook = this;
  }

  /** Calls `listener` after each commit that stored messages in this process. */
  onStored(listener: () => void): void {
    this.listeners.push(listener);
  }

  /**
   * Adds an event of the module's own contract to the transaction of this flow.
   * @throws InvalidMessage when it does not fit its contract; NoOpenTransaction; ForeignEvent.
   */
  addEvent(event: object): void {
    const cls = event.constructor as Class;
    const compiled = this.catalogue.event(cls);
    if (compiled?.module !== this.module) throw new ForeignEvent(this.module, eventSpec(cls)?.name ?? cls.name, compiled?.module);
    const copy = compiled.codec.copy(event) as Record<string, unknown>;
    this.add({ kind: 'event', name: compiled.name, target: null, key: keyOf(compiled.name, copy[compiled.key]), payload: JSON.stringify(copy), headers: headers() });
  }

  /**
   * Adds a command to the transaction of this flow, to be handled durably by its module, in order with the others of the key.
   * @throws InvalidMessage when it does not fit its contract; NoOpenTransaction.
   */
  addCommand(command: object, key: string): void {
    const compiled = this.catalogue.message(command.constructor as Class);
    if (compiled?.kind !== 'command') throw new TypeError(`${command.constructor.name} is no command of a contract`);
    const payload = JSON.stringify(compiled.input.copy(command));
    this.add({ kind: 'command', name: compiled.name, target: compiled.module, key: keyOf(compiled.name, key), payload, headers: headers() });
  }

  /** For the data source: stores what was added. */
  async before(enlisted: readonly unknown[], runner: QueryRunner): Promise<void> {
    await this.source.queryPrepared(STORE, [JSON.stringify((enlisted as readonly Pending[]).map((message, n) => ({ n, ...message })))], runner);
    beforeCommit(this.module);
  }

  /** For the data source: tells that there is something to send. */
  after(): void {
    afterCommit(this.module);
    for (const listener of this.listeners) listener();
  }

  private add(message: Pending): void {
    if (!this.source.enlist(message)) throw new NoOpenTransaction(this.module, message.name);
  }
}

function keyOf(name: string, key: unknown): string {
  if (typeof key === 'string' && key.length > 0 && key.length <= KEY_MAX && isStorable(key)) return key;
  throw new InvalidMessage(name, [{ path: 'key', rule: 'key', message: `must be a text of 1 to ${KEY_MAX} characters without U+0000 and half surrogate pairs` }]);
}

function headers(): Pending['headers'] {
  const frame = currentFrame();
  return frame ? { traceparent: frame.traceparent } : {};
}

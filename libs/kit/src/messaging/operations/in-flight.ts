import type { Sql } from '../storage/sql.js';

/** A message that a consumer still has to handle. */
export interface MessageInFlight {
  readonly module: string;
  readonly consumer: string;
  /** Wire name of the message. */
  readonly name: string;
  /** `sent` until the consumer's module has stored it. */
  readonly state: 'sent' | 'ready' | 'parked';
}

/** A message that a consumer has given up on. */
export interface MessageGivenUp {
  readonly module: string;
  readonly consumer: string;
  readonly name: string;
  readonly attempts: number;
  /** The text of the last error. */
  readonly error: string;
}

/** The most messages that are listed. */
const LISTED_MAX = 20;

/**
 * Lists the messages that modules with a common database still have to handle, without timers that are not due. The
 * list is empty if all modules are at rest.
 *
 * One statement sees one moment. A handler's transaction writes its inbox row together with what it publishes, so no
 * message is in neither table. It asks each inbox for what the outboxes hold, not whether that is marked as sent, since
 * a message is marked up to a second later, and before a broker has delivered it.
 * @param sql as an account that may read the schemas of all modules.
 * @param modules the names of those that have tables.
 */
export function messagesInFlight(
  sql: Pick<Sql, 'rows'>,
  modules: readonly string[],
): Promise<readonly MessageInFlight[]> {
  if (modules.length === 0) return Promise.resolve([]);
  return sql.rows<MessageInFlight>(`
with sent as (${each(modules, 'id, kind, name, target, created_at', 'fledge_outbox')}),
consumer as (${each(modules, 'name, kind, takes, begins_at', 'fledge_consumer')}),
received as (${each(modules, 'consumer, message_id, name, state', 'fledge_inbox')})
select module, consumer, name, state from received where state in ('ready', 'parked')
union all
select consumer.module, consumer.name, sent.name, 'sent' from sent join consumer
  on consumer.kind = sent.kind and coalesce(sent.target, consumer.module) = consumer.module
  and regexp_replace(sent.name, '\\.v[^.]*$', '') = any(consumer.takes) and sent.created_at >= consumer.begins_at
where not exists (
  select from received where received.module = consumer.module and received.consumer = consumer.name and received.message_id = sent.id
)
limit ${LISTED_MAX}`);
}

/** Lists the dead letters of modules that share a database, oldest first, without those that are settled. */
export function messagesGivenUp(
  sql: Pick<Sql, 'rows'>,
  modules: readonly string[],
): Promise<readonly MessageGivenUp[]> {
  if (modules.length === 0) return Promise.resolve([]);
  return sql.rows<MessageGivenUp>(
    `select module, consumer, name, attempts, coalesce(history -> -1 ->> 'message', reason) as error from (${each(modules, '*', 'fledge_dead_letter')}) letter where state = 'dead' order by died_at limit ${LISTED_MAX}`,
  );
}

/** The rows of a table in all schemas, with the name of the module, which is that of its schema. */
function each(modules: readonly string[], columns: string, table: string): string {
  return modules
    .map((module) => `select '${module}' as module, ${columns} from "${module}".${table}`)
    .join(' union all ');
}

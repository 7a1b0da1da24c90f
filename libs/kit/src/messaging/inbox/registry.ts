import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageLog, InboxPort } from '../../transport/index.js';
import { type DurableConsumer, familyOf } from '../consumers/consumer.js';
import { inboxRow } from './inbox-row.js';
import { BEHIND, BUMP, SILENCE_MS } from '../replicas/membership-sql.js';
import { partitionOf } from '../storage/partitions.js';
import type { Sql } from '../storage/sql.js';

// Times of messages have milliseconds, so `begins_at` is truncated to them. While other replicas are alive, one of them
// may be newer or older than this one: what they take is kept. xmax is 0 in a row that this statement has inserted.
const REGISTER = `
insert into fledge_consumer as c (name, kind, takes, ready, begins_at) values ($1, $2, $3, $4, case when $4 then date_trunc('milliseconds', clock_timestamp()) else '-infinity' end)
on conflict (name) do update set takes = case
  when exists (select from fledge_replica where replica is distinct from $5::uuid) then c.takes || array(select t from unnest(excluded.takes) t where t <> all(c.takes))
  else excluded.takes end
returning (xmax = 0) as "isNew", ready`;

const POLL_MS = 50;

const BACKFILL = `
insert into fledge_inbox (consumer, message_id, position, partition, source, kind, name, key, payload, headers, occurred_at)
select $2, m.id, -9000000000000000000 + $3::bigint + m.n, ${partitionOf('m.key')}, m.source, m.kind, m.name, m.key, m.payload, m.headers, m.occurred_at
from json_to_recordset($1::json) as m(n int, id uuid, source text, kind text, name text, key text, payload text, headers jsonb, occurred_at timestamptz)
on conflict do nothing`;

/**
 * Adds the consumers of this replica's code to the module's list, so that every replica stores messages for them from
 * now on. New ones that begin with the past are `ready` once `backfill` has stored it. Messages that a consumer no
 * longer takes are stored for it until a replica starts while no other is alive.
 * @param replica this one, once others can see it.
 */
export async function register(sql: Sql, consumers: readonly DurableConsumer[], replica?: string): Promise<void> {
  let isNew = false;
  for (const { name, kind, takes, rules } of consumers) {
    const [row] = await sql.rows<{ isNew: boolean }>(REGISTER, [
      name,
      kind,
      takes,
      rules.startFrom === 'now',
      replica ?? null,
    ]);
    isNew ||= row?.isNew ?? false;
  }
  if (isNew) await untilKnown(sql, replica);
}

/**
 * Resolves when every running replica stores messages for new consumers: a replica that has seen the view has read the
 * list. A frozen one does not see it; it is removed after `SILENCE_MS`, and reads the list when it rejoins.
 */
async function untilKnown(sql: Sql, replica: string | undefined): Promise<void> {
  const [view] = await sql.rows<{ version: number }>(BUMP);
  for (let waitedMs = 0; waitedMs < 2 * SILENCE_MS; waitedMs += POLL_MS) {
    if ((await sql.rows(BEHIND, [view?.version, replica ?? null])).length === 0) return;
    await sleep(POLL_MS);
  }
}

/**
 * Stores past messages for consumers that begin with them: ahead of newer ones, and once, however often it is
 * restarted.
 */
export async function backfill(
  sql: Sql,
  consumers: readonly DurableConsumer[],
  messageLog: MessageLog,
  inbox: InboxPort,
): Promise<void> {
  const waiting = await sql.rows<{ name: string }>('select name from fledge_consumer where not ready');
  for (const consumer of consumers.filter(({ name }) => waiting.some((row) => row.name === name))) {
    let stored = 0;
    for await (const messages of messageLog.history(inbox, consumer.takes)) {
      const wanted = messages.filter((message) => consumer.takes.includes(familyOf(message.name)));
      await sql.rows(BACKFILL, [
        JSON.stringify(wanted.map((message, n) => ({ n, ...inboxRow(message) }))),
        consumer.name,
        stored,
      ]);
      stored += messages.length;
    }
    await sql.rows('update fledge_consumer set ready = true where name = $1', [consumer.name]);
  }
}

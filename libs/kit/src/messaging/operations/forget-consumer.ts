import { FledgeError } from '../../contract/index.js';
import { consumerGroup } from '../inbox/deliveries.js';
import type { Sql } from '../storage/sql.js';

/**
 * The consumer to forget is handled by a running replica, or began to be while it was being forgotten: what has come
 * since then is kept.
 */
export class ConsumerInUse extends FledgeError {
  readonly code = 'fledge.consumer-in-use';
  readonly kind = 'conflict';
  readonly outcome = 'rejected';
  readonly hint = 'Deploy code without it first, and wait until no replica of the code before runs.';
  readonly data: Readonly<Record<string, unknown>>;
  constructor(consumer: string) {
    super(`a replica that runs handles messages for ${consumer}`);
    this.data = { consumer };
  }
}

/** The most rows that one statement deletes. */
const ROWS_MAX = 5_000;

// One statement, so that no replica that starts in the meantime is missed: it registers its consumers before it joins.
// The lock of a killed replica can be taken, so that its leftover row does not count as a running replica.
const STRIKE = `
delete from fledge_consumer c where c.name = $1
  and not exists (select from fledge_replica m where $2 = any(m.groups) and not pg_try_advisory_xact_lock(m.line))
returning 1`;
// A replica that starts during this registers it again: what exists from then on is not from before.
const STILL_FORGOTTEN = 'not exists (select from fledge_consumer where name = $1)';
const WAITING = `delete from fledge_inbox where (consumer, message_id) in (select consumer, message_id from fledge_inbox where consumer = $1 and state in ('ready', 'parked') limit ${ROWS_MAX}) and ${STILL_FORGOTTEN} returning 1`;

/**
 * Forgets a consumer that the code no longer has: stops storing messages for it, and deletes those that wait for it,
 * and the timers of a process. What it has handled, and its dead letters, stay for as long as `retention` says. Returns
 * how many messages were deleted.
 * @throws ConsumerInUse when a running replica has it.
 */
export async function forgetConsumer(sql: Sql, name: string): Promise<number> {
  await sql.rows(STRIKE, [name, consumerGroup(name)]);
  let deleted = 0;
  for (let rows = ROWS_MAX; rows === ROWS_MAX; deleted += rows) rows = (await sql.rows<object>(WAITING, [name])).length;
  await sql.rows(`delete from fledge_timer where process = $1 and ${STILL_FORGOTTEN}`, [name]);
  await sql.rows(`delete from fledge_hold where consumer = $1 and ${STILL_FORGOTTEN}`, [name]);
  if ((await sql.rows('select 1 from fledge_consumer where name = $1', [name])).length > 0)
    throw new ConsumerInUse(name);
  return deleted;
}

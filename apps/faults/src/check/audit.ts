import type { Tables } from './tables.js';

/**
 * Lets the database record each time that a consumer's transaction handled a message, invisibly to the code of the
 * shop, so that the lab need not trust the inbox about what was handled once, and in which order.
 */
const AUDIT = `
create schema if not exists lab;
create table if not exists lab.before (message_id uuid primary key);
create table if not exists lab.handled (
  seq bigint generated always as identity primary key,
  module text not null,
  consumer text not null,
  message_id uuid not null,
  source text not null,
  key text not null,
  position bigint not null,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default clock_timestamp()
);
grant usage on schema lab to public;
grant insert on lab.handled to public;
create or replace function lab.note_handled() returns trigger language plpgsql security definer as $$
begin
  insert into lab.handled (module, consumer, message_id, source, key, position) values (TG_TABLE_SCHEMA, new.consumer, new.message_id, new.source, new.key, new.position);
  return null;
end $$;
`;

/** Starts the audit of a shop whose tables exist. */
export async function beginAudit(tables: Tables): Promise<void> {
  await tables.rows(AUDIT);
  for (const schema of await tables.schemas()) {
    // by their ids: the time is the database's, whose clock the lab sets
    await tables.rows(`insert into lab.before select id from "${schema}".fledge_outbox on conflict do nothing`);
    await tables.rows(`create trigger lab_note_handled after update of state on "${schema}".fledge_inbox for each row
      when (new.state = 'handled' and old.state <> 'handled') execute function lab.note_handled()`);
    // a message that was handed over within one process is inserted as already handled
    await tables.rows(`create trigger lab_note_handed_over after insert on "${schema}".fledge_inbox for each row
      when (new.state = 'handled') execute function lab.note_handled()`);
  }
}

/** The audit's complaints, a line each: messages handled twice, out of order, or not at all. */
export async function brokenDeliveries(tables: Tables): Promise<string[]> {
  const schemas = await tables.schemas();
  const outboxes = schemas
    .map((schema) => `select '${schema}' as source, seq, id, kind, name, target, key from "${schema}".fledge_outbox`)
    .join(' union all ');
  const consumers = schemas
    .map((schema) => `select '${schema}' as module, name, kind, takes from "${schema}".fledge_consumer`)
    .join(' union all ');
  return [
    ...(await tables.lines(`
      select format('%s handled message %s of %s %s times', consumer, message_id, key, count(*)) as line
      from lab.handled group by consumer, message_id, key having count(*) > 1`)),
    // The audit cannot tell the order within one transaction: there the order of the inbox counts, in which messages
    // are handled.
    ...(await tables.lines(`
      with handled as (select distinct on (h.module, h.consumer, h.message_id) h.*, o.name, o.seq as published from lab.handled h join (${outboxes}) o on o.source = h.source and o.id = h.message_id order by h.module, h.consumer, h.message_id, h.seq)
      select format('%s handled %s of %s after %s, which %s published later', late.consumer, late.name, late.key, early.name, late.source) as line
      from handled late join handled early using (module, consumer, source, key)
      where late.published < early.published and case when late.xid = early.xid then early.position < late.position else early.seq < late.seq end`)),
    ...(await tables.lines(`
      select format('%s never handled %s %s of %s', c.name, o.name, o.id, o.key) as line
      from (${outboxes}) o join (${consumers}) c on c.kind = o.kind and regexp_replace(o.name, '\\.v[0-9]+$', '') = any(c.takes) and (o.target is null or o.target = c.module)
      where not exists (select from lab.before b where b.message_id = o.id)
        and not exists (select from lab.handled h where h.module = c.module and h.consumer = c.name and h.message_id = o.id)`)),
  ];
}

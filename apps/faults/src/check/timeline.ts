import type { Tables } from './tables.js';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** The most timelines in one report. */
const TIMELINES_MAX = 3;

/**
 * What was published and handled of the keys that broken lines name, a line each in the order of time: where to begin
 * to look.
 */
export async function timelinesOf(tables: Tables, broken: readonly string[]): Promise<string[]> {
  const outboxes = (await tables.schemas())
    .map(
      (schema) =>
        `select '${schema}' as source, seq, id, name, key, created_at, sent_at from "${schema}".fledge_outbox`,
    )
    .join(' union all ');
  const keys = [...new Set(broken.flatMap((line) => line.match(UUID) ?? []))];
  const timelines: string[] = [];
  let told = 0;
  for (const key of keys) {
    const lines = await tables.lines(
      `with published as (${outboxes})
       select format('%s %s', to_char(at, 'HH24:MI:SS.MS'), what) as line from (
         select created_at as at, format('%s published %s (%s)', source, name, left(id::text, 8)) as what from published where key = $1
         union all
         select h.at, format('%s of %s handled %s (%s) from %s as number %s, position %s', h.consumer, h.module, p.name, left(h.message_id::text, 8), h.source, h.seq, h.position)
         from lab.handled h left join published p on p.id = h.message_id where h.key = $1
       ) told order by at`,
      [key],
    );
    if (lines.length === 0) continue;
    timelines.push(`${key}:`, ...lines.map((line) => `  ${line}`));
    if (++told === TIMELINES_MAX) break;
  }
  return timelines;
}

import type { Sql } from '@fledge/kit/operator';
import { UnknownName } from './operate-errors.js';

/** The consumers of a module, including processes: those of its code, and those that only left dead letters. */
export async function consumersOf(sql: Sql): Promise<readonly string[]> {
  const rows = await sql.rows<{ name: string }>(
    'select name from fledge_consumer union select consumer from fledge_dead_letter order by 1',
  );
  return rows.map(({ name }) => name);
}

/** @throws UnknownName when a module has no such consumer. */
export async function checkConsumer(sql: Sql, module: string, name: string): Promise<void> {
  const known = await consumersOf(sql);
  if (!known.includes(name)) throw new UnknownName(`consumer of ${module}`, name, known);
}

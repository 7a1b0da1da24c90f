import { Logger } from '@nestjs/common';
import { type Deployment, foreignDeployment } from '../../transport/index.js';
import type { Sql } from './sql.js';

const CLAIM = 'insert into fledge_deployment (id) values ($1) on conflict (is_only) do nothing';
const READ = 'select id from fledge_deployment';
const ADOPT = 'update fledge_deployment set id = $1 where id = $2';

/**
 * Records that a module's schema belongs to a deployment, if it belongs to none yet.
 * @throws StartupError if it belongs to another one and is not adopted.
 */
export async function claimSchema(sql: Sql, module: string, { id, adopts }: Deployment): Promise<void> {
  await sql.rows(CLAIM, [id]);
  const [row] = await sql.rows<{ id: string }>(READ);
  const found = row?.id ?? id;
  if (found === id) return;
  if (found !== adopts) throw foreignDeployment(`the database of ${module}`, found, id);
  await sql.rows(ADOPT, [id, found]);
  new Logger('deployment').warn(`adopted the database of ${module}, which belonged to '${found}'`);
}

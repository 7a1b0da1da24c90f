import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { StartupError } from '../contract/index.js';
import { CLOSE_LARGE_OBJECTS, type ModuleRoles, moduleRoles, quoted } from './database-roles.js';
import { createRole, databaseName, has, hasCode, hasRole, type ModuleHome } from './module-database.js';

/** A module's own logins, as URLs. */
export interface OwnLogins {
  /** For its migrations: may be the owner of the schema, and nothing else. */
  readonly migrate: string;
  /** For its work: may be the role for rows, and nothing else. */
  readonly run: string;
}

/** The cost that PostgreSQL itself uses. */
const SCRAM_ITERATIONS = 4096;

/**
 * Makes a module's logins, with the rights of the user of `url`, who may create roles. Their passwords are derived from
 * that user's, so that all replicas find the same ones and none is kept anywhere. Under the lock of the module.
 * @throws StartupError for a URL without a password, and for a user who may not make the logins.
 */
export async function makeOwnLogins(client: Client, url: string, home: ModuleHome): Promise<OwnLogins> {
  const { module, schema } = home;
  const { password, username } = new URL(url);
  if (password === '')
    throw new StartupError(
      'own-logins',
      `${module} is to log in as its own role, whose password is derived from that of the database URL, which has none`,
      'Put a password into the URL, or give each module a URL of its own: database: { modules: { … } }.',
      { module },
    );
  const roles = moduleRoles(await databaseName(client), schema);
  try {
    return await makeLogins(client, url, decodeURIComponent(password), roles);
  } catch (error) {
    if (!hasCode(error, '42501')) throw error;
    const user = quoted(decodeURIComponent(username));
    const failure = new StartupError(
      'own-logins',
      `${module} is to log in as its own role, and the database user ${user} may not make it: ${(error as Error).message}`,
      `As an administrator: alter role ${user} createrole; and for each of these roles that exists: grant ${Object.values(roles).map(quoted).join(', ')} to ${user} with admin option. Or let all modules work as one user: database: { logins: shared }.`,
      { module, roles },
    );
    failure.cause = error;
    throw failure;
  }
}

async function makeLogins(
  client: Client,
  url: string,
  password: string,
  { owner, rows, migrate, run }: ModuleRoles,
): Promise<OwnLogins> {
  if (!(await hasRole(client, rows))) await createRole(client, rows);
  const login = async (name: string, memberOf: string): Promise<string> => {
    if (!(await hasRole(client, name))) await createRole(client, name);
    const secret = createHmac('sha256', password).update(name).digest('base64url');
    await client.query(`alter role ${quoted(name)} login password '${await verifierOf(secret)}'`);
    if (!(await has(client, "select 1 where pg_has_role($1::name, $2::name, 'SET')", name, memberOf)))
      await client.query(`grant ${quoted(memberOf)} to ${quoted(name)}`);
    return urlOf(url, name, secret);
  };
  const logins = { migrate: await login(migrate, owner), run: await login(run, rows) };
  await closeDatabase(client, [migrate, run]);
  return logins;
}

/** How far a database is closed: what its owner could change, and what a superuser could. */
const HOW_FAR = `
select pg_has_role(d.datdba, 'USAGE') as owns, r.rolsuper as superuser,
  has_database_privilege('public', d.oid, 'TEMPORARY') or exists (
    select from unnest($1::name[]) login where not has_database_privilege(login, d.oid, 'CONNECT')) as database,
  has_function_privilege('public', 'pg_catalog.lo_create(oid)', 'EXECUTE') as functions
from pg_roles r, pg_database d where r.rolname = current_user and d.datname = current_database()`;

/**
 * Takes from everybody the right to create temporary tables and large objects, as far as this user may: no login of a
 * module creates anything. Lets the logins connect where that was taken from everybody, too.
 */
async function closeDatabase(client: Client, logins: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ owns: boolean; superuser: boolean; database: boolean; functions: boolean }>(
    HOW_FAR,
    [logins],
  );
  const [now] = rows;
  if (!now || !((now.database && now.owns) || (now.functions && now.superuser))) return;
  // modules start at once, and PostgreSQL fails the second of two changes of the same entry
  await client.query(`begin; select pg_advisory_xact_lock(hashtextextended('fledge:database', 0))`);
  if (now.owns) {
    const database = quoted(await databaseName(client));
    await client.query(`revoke temporary on database ${database} from public`);
    await client.query(`grant connect on database ${database} to ${logins.map(quoted).join(', ')}`);
  }
  if (now.superuser) await client.query(CLOSE_LARGE_OBJECTS);
  await client.query('commit');
}

/** What PostgreSQL stores for a password (RFC 5803), so that the password itself is in no statement and no log. */
async function verifierOf(password: string): Promise<string> {
  const salt = randomBytes(16);
  const salted = await promisify(pbkdf2)(password, salt, SCRAM_ITERATIONS, 32, 'sha256');
  const keyOf = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(keyOf('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString('base64')}$${stored}:${keyOf('Server Key').toString('base64')}`;
}

function urlOf(url: string, user: string, password: string): string {
  const own = new URL(url);
  own.username = user;
  own.password = password;
  return own.href;
}

import { DatabaseError, type Client } from 'pg';
import { StartupError } from '../contract/index.js';
import { DATABASE_TLS, tlsFailure } from '../tls/index.js';
import { moduleRoles, quoted } from './database-roles.js';
import { isPassing } from './passing.js';
import { SteadyClient } from './steady-client.js';

/** How long a start waits while another replica prepares or migrates the same module. */
export const MIGRATION_WAIT_MS = 120_000;
/** How long a new connection may take, and how long a query waits for a free one of the pool. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** Where a module's tables are, and the role that works on them. */
export interface ModuleHome {
  readonly module: string;
  readonly schema: string;
  /** The owner of the schema and its tables; or the role that only works on rows, if the user may be no other. */
  readonly role: string;
}

/** The role that owns a module's schema and tables. */
export function ownerRole(schema: string): string {
  return moduleRoles('', schema).owner;
}

const databaseNames = new WeakMap<Client, string>();

/** The name of the database that a connection is in, which does not change: a start asks once. */
export async function databaseName(client: Client): Promise<string> {
  const known = databaseNames.get(client);
  if (known !== undefined) return known;
  const { rows } = await client.query<{ name: string }>('select current_database()::text as name');
  const name = rows[0]?.name ?? '';
  databaseNames.set(client, name);
  return name;
}

/**
 * The role of a service that may read and write a module's rows and change no table; `fledge migration run
 * --service-user` makes it, and so does a start in which each module has its own logins.
 */
export async function rowsRole(client: Client, schema: string): Promise<string> {
  return moduleRoles(await databaseName(client), schema).rows;
}

/**
 * Runs `work` once the module's schema and role exist, while no other replica prepares or migrates this module. `url`
 * belongs to the owner, who must be able to create both, unless they exist and the owner is a member of the role; or to
 * a member of the role that only works on rows. The work receives the connection that holds the lock, and the home with
 * the role that the user has.
 */
export async function withModuleLock<T>(
  url: string,
  home: ModuleHome,
  work: (client: Client, home: ModuleHome) => Promise<T>,
): Promise<T> {
  return withConnection(url, home, async (client) => {
    await lock(client, home);
    return work(client, { ...home, role: await prepare(client, home) });
  });
}

/** Runs `work` on a connection to the database of a module, which it closes. */
export async function withConnection<T>(
  url: string,
  home: ModuleHome,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connect(url, home);
  try {
    return await work(client);
  } catch (error) {
    throw isPassing(error) ? unreachable(url, error) : error;
  } finally {
    // the lock ends with its connection, also with one that is broken already
    await client.end().catch(() => undefined);
  }
}

/** The migrations that a table in the module's schema records as done, in order; none if there is no such table. */
export async function migrationsDone(client: Client, home: ModuleHome, table: string): Promise<ReadonlySet<string>> {
  if (!(await hasTable(client, home, table))) return new Set();
  const rows = await asRole(client, home, `select name from ${quoted(home.schema)}.${quoted(table)} order by id`);
  return new Set(rows.map(({ name }) => String(name)));
}

/** Those that the list of version 0.1 records, if the schema has it; the role that only works on rows may read it. */
export async function olderMigrationsDone(client: Client, home: ModuleHome): Promise<ReadonlySet<string>> {
  return (await hasOlderList(client, home)) ? migrationsDone(client, home, OLDER_LIST) : new Set();
}

function hasOlderList(client: Client, { schema }: ModuleHome): Promise<boolean> {
  return has(client, IS_OLDER_LIST, schema, ownerRole(schema));
}

/** The lists, quoted, by which a start or a run decides what is done, the older one first; `table` is today's. */
export async function listsOfDone(client: Client, home: ModuleHome, table: string): Promise<readonly string[]> {
  const older = await olderListToCopy(client, home);
  return [...(older === undefined ? [] : [older]), listIn(home, table)];
}

/** TypeORM's own table of views and generated columns. */
const TYPEORM_TABLE = 'typeorm_metadata';

/**
 * Takes from the role that only works on rows the right to write the tables that decide how the schema is migrated. Done
 * after each run, too, since TypeORM may make its table only then and the role has rights on all later tables.
 */
export async function protectLists(client: Client, home: ModuleHome, table: string): Promise<void> {
  const role = await rowsRole(client, home.schema);
  if (!(await hasRole(client, role))) return;
  const tables = (await hasOlderList(client, home)) ? [OLDER_LIST] : [];
  for (const name of [table, TYPEORM_TABLE]) if (await hasTable(client, home, name)) tables.push(name);
  if (tables.length === 0) return;
  const lists = tables.map((name) => listIn(home, name)).join(', ');
  await asRole(client, home, `revoke insert, update, delete on ${lists} from ${quoted(role)}`);
}

export function hasRole(client: Client, role: string): Promise<boolean> {
  return has(client, 'select 1 from pg_roles where rolname = $1', role);
}

function listIn({ schema }: ModuleHome, table: string): string {
  return `${quoted(schema)}.${quoted(table)}`;
}

/** The list of version 0.1, and the first name in it. */
const OLDER_LIST = 'migration';
const OLDER_FIRST = 'CreateMessaging1700000000000';

/** A table of the module's own may have that name: the kit's has these columns, and belongs to the module's role. */
const IS_OLDER_LIST = `
select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = $1 join pg_roles r on r.oid = c.relowner and r.rolname = $2
join pg_attribute a on a.attrelid = c.oid and (a.attname, a.atttypid) in (('timestamp', 'int8'::regtype), ('name', 'varchar'::regtype))
where c.relname = '${OLDER_LIST}' and c.relkind = 'r' group by c.oid having count(*) = 2`;

/**
 * Copies what the list of version 0.1 has and `table` has not: at each start with migrations to run, since a replica of
 * that version may have continued after an earlier start was refused beside it. The older list stays: a replica of that
 * version that is started by mistake finds it, makes no second set of tables, and fails at once.
 */
export async function copyOlderList(client: Client, home: ModuleHome, table: string): Promise<void> {
  const older = await olderListToCopy(client, home);
  if (older === undefined) return;
  const list = listIn(home, table);
  await asRole(
    client,
    home,
    `create table if not exists ${list} (id serial primary key, timestamp bigint not null, name varchar not null);
    insert into ${list} (timestamp, name) select timestamp, name from ${older} o
    where not exists (select from ${list} l where l.name = o.name) order by id`,
  );
}

/** The list of version 0.1, quoted; none if a table of that name and form is the module's own. */
async function olderListToCopy(client: Client, home: ModuleHome): Promise<string | undefined> {
  if (!(await hasOlderList(client, home))) return undefined;
  const older = listIn(home, OLDER_LIST);
  const first = await asRole(client, home, `select name from ${older} where name = '${OLDER_FIRST}'`);
  return first.length === 0 ? undefined : older;
}

/** Runs statements as the module's role, since the owner may be a member that does not inherit its rights. */
async function asRole(
  client: Client,
  { role }: ModuleHome,
  statement: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  // several statements return one result each
  const results = await client.query(`set role ${quoted(role)}; ${statement}; reset role`);
  return (results as unknown as readonly { readonly rows: readonly Readonly<Record<string, unknown>>[] }[]).flatMap(
    ({ rows }) => rows,
  );
}

function hasTable(client: Client, { schema }: ModuleHome, table: string): Promise<boolean> {
  return has(
    client,
    'select 1 from pg_class where relname = $1 and relnamespace = $2::regnamespace',
    table,
    quoted(schema),
  );
}

async function connect(url: string, home: ModuleHome): Promise<Client> {
  const client = new SteadyClient({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: `fledge:${home.module}:start`,
    keepAlive: true,
  });
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw unreachable(url, error);
  }
}

async function lock(client: Client, { module, schema }: ModuleHome): Promise<void> {
  try {
    await client.query(`set statement_timeout = 0; set lock_timeout = ${MIGRATION_WAIT_MS}`);
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [`fledge:${schema}`]);
    await client.query('set lock_timeout = 0');
  } catch (error) {
    if (!hasCode(error, '55P03')) throw error;
    throw new StartupError(
      'migration-wait',
      `another replica has been preparing or migrating ${module} for more than ${MIGRATION_WAIT_MS} ms`,
      'Let it finish and start again; a lock that stays belongs to a connection `fledge:…:start` in pg_stat_activity.',
      { module, waitedMs: MIGRATION_WAIT_MS },
    );
  }
}

/** The role that this user may have in a module's schema: its owner's, else the one for rows; none if neither. */
export async function roleOf(client: Client, { schema, role }: ModuleHome): Promise<string | undefined> {
  const owns =
    "select 1 from pg_namespace join pg_roles owner on owner.oid = nspowner where nspname = $1 and rolname = $2 and pg_has_role(owner.oid, 'SET')";
  if (await has(client, owns, schema, role)) return role;
  const rows = await rowsRole(client, schema);
  const works =
    "select 1 from pg_namespace n, pg_roles r where n.nspname = $1 and r.rolname = $2 and pg_has_role(r.oid, 'SET') and has_schema_privilege(r.oid, n.oid, 'USAGE')";
  return (await has(client, works, schema, rows)) ? rows : undefined;
}

/** Creates the schema and its role unless they exist; resolves with the role that this user may have. */
async function prepare(client: Client, home: ModuleHome): Promise<string> {
  const { module, schema, role } = home;
  // the case at every start but the first
  const known = await roleOf(client, home);
  if (known !== undefined) return known;
  try {
    if (!(await hasRole(client, role))) await createRole(client, role);
    if (!(await canBe(client, role))) await client.query(`grant ${quoted(role)} to current_user`);
    const { rows } = await client.query<{ owner: string }>(
      'select nspowner::regrole::text as owner from pg_namespace where nspname = $1',
      [schema],
    );
    if (rows.length === 0) {
      await client.query(
        `create schema ${quoted(schema)} authorization ${quoted(role)}; revoke all on schema ${quoted(schema)} from public`,
      );
    } else if (
      !(await has(
        client,
        'select 1 from pg_namespace where nspname = $1 and nspowner = $2::regrole',
        schema,
        quoted(role),
      ))
    ) {
      throw new StartupError(
        'schema-owner',
        `the schema '${schema}' of ${module} belongs to ${rows[0]?.owner}, not to the module's role ${role}`,
        `Run: alter schema ${quoted(schema)} owner to ${quoted(role)}; and the same for each table in it.`,
        { module, schema, owner: rows[0]?.owner },
      );
    }
    return role;
  } catch (error) {
    if (!hasCode(error, '42501')) throw error;
    const failure = new StartupError(
      'database-privileges',
      `the database user may not prepare ${module}: ${(error as Error).message}`,
      `Run \`fledge migration run --service-user <the user of DATABASE_URL>\` with a user that may, before the start; or as an administrator: create role ${quoted(role)} nologin; grant ${quoted(role)} to <the user of DATABASE_URL>; create schema ${quoted(schema)} authorization ${quoted(role)};`,
      { module, schema, role },
    );
    failure.cause = error;
    throw failure;
  }
}

/**
 * Roles belong to the whole server: a start on another of its databases, which holds another lock, may create it
 * meanwhile.
 */
export async function createRole(client: Client, role: string): Promise<void> {
  try {
    await client.query(`create role ${quoted(role)} nologin`);
  } catch (error) {
    if (!hasCode(error, '42710', '23505')) throw error;
  }
}

async function canBe(client: Client, role: string): Promise<boolean> {
  try {
    await client.query(`set role ${quoted(role)}`);
    await client.query('reset role');
    return true;
  } catch (error) {
    if (hasCode(error, '42501')) return false;
    throw error;
  }
}

export async function has(client: Client, sql: string, ...parameters: string[]): Promise<boolean> {
  return ((await client.query(sql, parameters)).rowCount ?? 0) > 0;
}

/** The error for a database that cannot be reached; names it without its password. */
export function unreachable(url: string, cause: unknown): StartupError {
  const place = placeOf(url);
  const ofTls = tlsFailure(cause, `PostgreSQL at ${place}`, DATABASE_TLS);
  if (ofTls) return ofTls;
  const failure = new StartupError(
    'database-unreachable',
    `cannot connect to the database at ${place}: ${reasonOf(cause)}`,
    'Check that the server runs and that DATABASE_URL names its host, port, user, password and database.',
    { database: place },
  );
  failure.cause = cause;
  return failure;
}

function placeOf(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `${host}${pathname}`;
  } catch {
    // this is for an error's text, which must not fail
    return 'an address that is not a URL';
  }
}

function reasonOf(error: unknown): string {
  const { message, errors } = error as { message?: string; errors?: unknown[] };
  // Node combines the failures of several addresses under an empty message
  return message || (errors?.length ? reasonOf(errors[0]) : String(error));
}

/** Whether PostgreSQL reported a failure with one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof DatabaseError && error.code !== undefined && codes.includes(error.code);
}

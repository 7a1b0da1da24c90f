import { Logger } from '@nestjs/common';
import type { Client } from 'pg';
import {
  DataSource,
  QueryFailedError,
  type DataSourceOptions,
  type EntitySchema,
  type MigrationInterface,
} from 'typeorm';
import { now } from '../boundary/index.js';
import { POOL_MAX_DEFAULT, POOL_MAX_LIMIT, StartupError } from '../contract/index.js';
import { DataLog } from './data-log.js';
import { quoted } from './database-roles.js';
import { DatabaseUnavailable } from './errors.js';
import { GuardedClient } from './guarded-client.js';
import { IDLE_IN_TRANSACTION_TIMEOUT_MS } from './idle-limit.js';
import { ModuleDataSource } from './module-data-source.js';
import {
  CONNECT_TIMEOUT_MS,
  copyOlderList,
  has,
  hasRole,
  migrationsDone,
  ownerRole,
  protectLists,
  rowsRole,
  unreachable,
  withModuleLock,
  type ModuleHome,
} from './module-database.js';
import { makeOwnLogins } from './own-logins.js';

/** The longest that one statement may run; no call that waits for it has more time. Migrations have no such limit. */
export const STATEMENT_TIMEOUT_MS = 30_000;
/** How long an unused connection is kept. */
export const POOL_IDLE_MS = 30_000;
/** Lost connections of one pool are logged at most once in this time. */
const LOSSES_TOLD_EVERY_MS = 1_000;

/** Where the migrations of a module that are done are listed. */
export const MIGRATION_TABLE = 'fledge_migration';
const SCHEMA_NAME = /^[a-z][a-z0-9_-]{0,39}$/;
const RESERVED_SCHEMA = /^(pg_.*|public|information_schema)$/;

/** A row class, or a schema that represents one. */
// TypeORM's own type for a class with any constructor
export type EntityClass = Extract<NonNullable<DataSourceOptions['entities']>, readonly unknown[]>[number] &
  (Function | EntitySchema);

/** A migration class; its name ends with its creation time in milliseconds, which determines the order. */
export type MigrationClass = new () => MigrationInterface;

/** As which database users the modules of a process work: see `ModuleDataOptions.logins`. */
export type DatabaseLogins = 'own' | 'shared';

/** What data a module has, and where it is kept. */
export interface ModuleDataOptions {
  readonly module: string;
  /**
   * The owner's URL, the same for each module. Its user creates schemas and roles. If no migration is pending, a user
   * that may only read and write rows is enough. A connection pooler in between must keep one session per connection
   * (PgBouncer: session pooling, with `options` passed on).
   */
  readonly url: string;
  /**
   * `own`: the user of `url` makes two logins for the module, of which one migrates and the other works on rows; SQL in
   * the module then reaches nothing else, whatever it says. `shared`: it works as that user, with the module's role
   * assumed (`set role`), which protects against mistakes alone. A user who may only work on rows is used as it is.
   * Default `shared`.
   */
  readonly logins?: DatabaseLogins | undefined;
  readonly entities: readonly EntityClass[];
  readonly migrations: readonly MigrationClass[];
  /** The size of the pool, 1 to 100 connections; default 10. */
  readonly poolMax?: number | undefined;
  /** Default: the module's name. */
  readonly schema?: string;
}

/**
 * Opens a module's data: its own schema and role, created and migrated if necessary, and a TypeORM data source whose
 * connections all use that role and only that schema, so that PostgreSQL refuses a query on another module's table.
 * Needs PostgreSQL 16 or newer: on older ones, concurrent grants fail.
 *
 * Replicas may start at the same time; one prepares and migrates, the others wait. This protects against mistakes, not
 * against a module that deliberately removes the protection (`set role none`).
 *
 * Transactions of the data source are ambient; see `ModuleDataSource`. Queries on a lost connection fail, and it is
 * replaced. `destroy()` closes the data source.
 *
 * @throws StartupError when the database cannot be reached or prepared, an entity names another schema or has no table,
 * or a migration fails; the ones before it stay applied.
 */
export async function openModuleData(options: ModuleDataOptions): Promise<ModuleDataSource> {
  const poolMax = checkPool(options);
  return withModuleLock(options.url, homeOf(options), async (client, home) => {
    const at = await preparedPlace(options, home, client);
    const source = new ModuleDataSource({
      ...connection(at.url, at.home, poolMax, STATEMENT_TIMEOUT_MS),
      entities: [...options.entities],
    });
    await initialize(source, options.module);
    await refuseWithoutTables(source, options.module);
    return guardConnections(source, at.home, await loginOf(source));
  });
}

/** Migrates, or refuses what is pending; resolves with the user and the role that the module works as. */
async function preparedPlace(
  options: ModuleDataOptions,
  home: ModuleHome,
  client: Client,
): Promise<{ readonly url: string; readonly home: ModuleHome }> {
  const { url, logins } = options;
  if (home.role !== ownerRole(home.schema)) {
    await refusePending(options, home, client);
    return { url, home };
  }
  if (logins !== 'own') {
    const ran = await migrate(options, home, client);
    if (ran.length > 0) await grantToMadeRows(client, home);
    return { url, home };
  }
  const own = await makeOwnLogins(client, url, home);
  const rows = await rowsRole(client, home.schema);
  const ran = await migrate({ ...options, url: own.migrate }, home, client);
  if (ran.length > 0 || !(await mayWorkOnRows(client, home, rows))) await grantRowRights(client, home, rows);
  return { url: own.run, home: { ...home, role: rows } };
}

/** Whether the role has its rights on the schema and on each table that is there now. */
async function mayWorkOnRows(client: Client, { schema }: ModuleHome, role: string): Promise<boolean> {
  const lacking = `
    select 1 from pg_namespace n where n.nspname = $1 and (not has_schema_privilege($2::name, n.oid, 'USAGE') or exists (
      select from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm')
      and not has_table_privilege($2::name, c.oid, 'SELECT')))`;
  return !(await has(client, lacking, schema, role));
}

/**
 * Lets a role read and write the rows of a schema, except in the lists that decide how it is migrated. What comes later
 * is granted, too: the owner's default privileges say so.
 */
export async function grantRowRights(client: Client, home: ModuleHome, role: string): Promise<void> {
  const [schema, rows] = [quoted(home.schema), quoted(role)];
  // in one transaction, so that a user who has the role since an earlier run can at no time write the lists
  await client.query(`begin; set local role ${quoted(home.role)}`);
  await client.query(`
      grant usage on schema ${schema} to ${rows};
      grant select, insert, update, delete on all tables in schema ${schema} to ${rows};
      grant usage on all sequences in schema ${schema} to ${rows};
      alter default privileges in schema ${schema} grant select, insert, update, delete on tables to ${rows};
      alter default privileges in schema ${schema} grant usage on sequences to ${rows}`);
  await client.query('reset role');
  await protectLists(client, home, MIGRATION_TABLE);
  await client.query('commit');
}

/** Lets the role for rows work on tables that were made since, if `fledge database roles` has made it before them. */
export async function grantToMadeRows(client: Client, home: ModuleHome): Promise<void> {
  const rows = await rowsRole(client, home.schema);
  if (await hasRole(client, rows)) await grantRowRights(client, home, rows);
}

async function loginOf(source: ModuleDataSource): Promise<string> {
  return (await source.query<{ login: string }[]>('select session_user::text as login'))[0]?.login ?? '';
}

/** Tables, including partitioned and foreign ones, and views. */
const WITHOUT_TABLE = `
select place::int from unnest($1::text[]) with ordinality as t(name, place)
where not exists (select from pg_class c where c.oid = to_regclass(t.name) and c.relkind in ('r', 'p', 'f', 'v', 'm'))`;

/** An entity without a table here most likely belongs to another module, and would fail at the first query. */
async function refuseWithoutTables(source: ModuleDataSource, module: string): Promise<void> {
  const { entityMetadatas } = source;
  if (entityMetadatas.length === 0) return;
  const tables = entityMetadatas.map(({ tableName }) => quoted(tableName));
  const missing = await source.query<{ place: number }[]>(WITHOUT_TABLE, [tables]).catch(async (error: unknown) => {
    await source.destroy();
    throw dataFailure(module, error);
  });
  const [first] = missing;
  if (first === undefined) return;
  await source.destroy();
  const { name, tableName } = entityMetadatas[first.place - 1] as (typeof entityMetadatas)[number];
  throw new StartupError(
    'entity-table',
    `${module} has the entity ${name} but no table '${tableName}'`,
    `Create the table in a migration of this module; \`fledge migration generate ${module}\` writes one. If it belongs to another module, use a message of the contract of that module instead.`,
    { module, entity: name, table: tableName },
  );
}

/**
 * Looks at a connection before it is used again, if a statement may have changed its role: one that has another is
 * closed, and the next is taken. An unavailable connection gets its own error, since the caller may try again: it is not
 * a fault of the module.
 */
function guardConnections(source: ModuleDataSource, { module, role }: ModuleHome, login: string): ModuleDataSource {
  type Taken = [GuardedClient, (error?: Error) => void];
  const driver = source.driver as unknown as { obtainMasterConnection(): Promise<Taken> };
  const obtain = driver.obtainMasterConnection.bind(driver);
  const takeGuarded = async (): Promise<Taken> => {
    for (;;) {
      const taken = await obtain();
      const [client, release] = taken;
      if (!client.isDoubtful) return taken;
      try {
        if (await client.isItself(role, login)) return taken;
      } catch (error) {
        // it was lost while it was idle: the next takes its place
        release(error as Error);
        continue;
      }
      new Logger(`data:${module}`).error(
        `a connection of ${module} was closed, because a statement had changed its role: no SQL of a module may do that`,
      );
      release(new Error('its role was changed'));
    }
  };
  driver.obtainMasterConnection = () =>
    takeGuarded().catch((cause: unknown) => {
      throw new DatabaseUnavailable(module, { cause });
    });
  return source;
}

/** Where a module's tables are. @throws StartupError for a name that cannot be a schema's. */
export function homeOf({ module, schema = module }: ModuleDataOptions): ModuleHome {
  if (SCHEMA_NAME.test(schema) && !RESERVED_SCHEMA.test(schema)) return { module, schema, role: ownerRole(schema) };
  throw new StartupError(
    'schema-name',
    `'${schema}' is not a valid schema name for ${module}`,
    'Use at most 40 lower-case letters, digits, hyphens and underscores, starting with a letter; not public, information_schema or pg_….',
    { module, schema },
  );
}

function checkPool({ module, poolMax = POOL_MAX_DEFAULT }: ModuleDataOptions): number {
  if (Number.isInteger(poolMax) && poolMax >= 1 && poolMax <= POOL_MAX_LIMIT) return poolMax;
  throw new StartupError(
    'pool-max',
    `the pool of ${module} has the size ${poolMax}`,
    `Set poolMax to 1 to ${POOL_MAX_LIMIT}; the default is ${POOL_MAX_DEFAULT}.`,
    { module, poolMax },
  );
}

/**
 * Runs each pending migration in its own transaction, unless it opts out (`transaction = false`, as for `create index
 * concurrently`). Resolves with the names of those that it ran; with `fake`, only records them as done.
 */
export async function migrate(
  options: ModuleDataOptions,
  home: ModuleHome,
  client: Client,
  fake = false,
): Promise<readonly string[]> {
  if (await isUpToDate(options, home, client)) return [];
  await copyOlderList(client, home, MIGRATION_TABLE);
  const source = new DataSource({
    ...connection(options.url, home, 1, 0),
    // TypeORM keeps a table of its own for views and generated columns, which it makes before it migrates
    entities: [...options.entities],
    migrations: [...options.migrations],
    migrationsTableName: MIGRATION_TABLE,
    migrationsTransactionMode: 'each',
  });
  await initialize(source, options.module);
  try {
    // TypeORM does not say what it only recorded
    const pending = fake ? await pendingOf(options, home, client) : [];
    const ran = (await source.runMigrations({ fake })).map(({ name }) => name);
    await protectLists(client, home, MIGRATION_TABLE);
    return fake ? pending : ran;
  } catch (error) {
    throw migrationFailure(home.module, error);
  } finally {
    await source.destroy();
  }
}

const DUPLICATE_TABLE = '42P07';

/** The error for a migration of a module that failed. */
export function migrationFailure(module: string, error: unknown): StartupError {
  const cause = error instanceof QueryFailedError ? (error.driverError as { code?: unknown }).code : undefined;
  const cure =
    cause === DUPLICATE_TABLE
      ? ` If the table came here with its rows, record the migrations that made it: fledge migration run ${module} --fake.`
      : '';
  const failure = new StartupError(
    'migration-failed',
    `a migration of ${module} failed: ${error instanceof Error ? error.message : String(error)}`,
    `Unless it opted out of its transaction, it was rolled back; the migrations before it are kept. Correct it and start again.${cure}`,
    { module, sql: error instanceof QueryFailedError ? error.query : undefined },
  );
  failure.cause = error;
  return failure;
}

/** A user without the rights of the owner starts only where nothing is pending. */
async function refusePending(options: ModuleDataOptions, home: ModuleHome, client: Client): Promise<void> {
  const pending = await pendingOf(options, home, client);
  if (pending.length === 0) return;
  const { module, role } = home;
  throw new StartupError(
    'migration-pending',
    `${module} has migrations to run (${pending.join(', ')}), and this database user may only work on its rows, as ${role}`,
    'Run `fledge migration run` with a user that may change tables, then start again.',
    { module, pending },
  );
}

async function pendingOf(
  { migrations }: ModuleDataOptions,
  home: ModuleHome,
  client: Client,
): Promise<readonly string[]> {
  const done = await migrationsDone(client, home, MIGRATION_TABLE);
  return namesOf(migrations).filter((name) => !done.has(name));
}

/** The names of migrations, as the list in the database has them. */
export function namesOf(migrations: readonly MigrationClass[]): readonly string[] {
  return migrations.map((Migration) => new Migration().name ?? Migration.name);
}

/** Whether TypeORM would find nothing to migrate: one query, instead of opening another data source at every start. */
async function isUpToDate({ migrations }: ModuleDataOptions, home: ModuleHome, client: Client): Promise<boolean> {
  if (migrations.length === 0) return true;
  const names = namesOf(migrations);
  // TypeORM refuses two with the same name
  if (new Set(names).size < names.length) return false;
  const done = await migrationsDone(client, home, MIGRATION_TABLE);
  return names.every((name) => done.has(name));
}

/** Connects a data source. @throws StartupError */
export async function initialize<Source extends DataSource>(source: Source, module: string): Promise<Source> {
  try {
    await source.initialize();
    return source;
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw dataFailure(module, error);
  }
}

function dataFailure(module: string, error: unknown): StartupError {
  const failure = new StartupError(
    'data',
    `the data of ${module} cannot be opened: ${error instanceof Error ? error.message : String(error)}`,
    "Correct what the message names: the module's entities, or the database that DATABASE_URL names.",
    { module },
  );
  failure.cause = error;
  return failure;
}

/** The options of a data source whose connections have a module's role and see only its schema. */
export function connection(url: string, home: ModuleHome, poolMax: number, statementTimeoutMs: number) {
  const { address, given } = takeOptions(url);
  const logger = new DataLog(home.module);
  const fence = {
    role: home.role,
    search_path: `"${home.schema}"`,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
  };
  return {
    type: 'postgres' as const,
    url: address,
    schema: home.schema,
    synchronize: false,
    // both need rights that a module does not have; PostgreSQL generates UUIDs itself
    installExtensions: false,
    uuidExtension: 'pgcrypto' as const,
    poolSize: poolMax,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    applicationName: `fledge:${home.module}`,
    logger,
    poolErrorHandler: oncePerWhile((error) =>
      logger.log('warn', `a database connection was lost and will be replaced: ${error.message}`),
    ),
    extra: {
      Client: GuardedClient,
      idleTimeoutMillis: POOL_IDLE_MS,
      keepAlive: true,
      options: [given, ...Object.entries(fence).map(([name, value]) => `-c ${name}=${value}`)]
        .filter(Boolean)
        .join(' '),
    },
  };
}

/** Limits how often lost connections are logged: a server that ends drops all connections of a pool at once. */
function oncePerWhile(tell: (error: Error) => void): (error: Error) => void {
  let toldAt = -Infinity;
  return (error) => {
    if (now() - toldAt < LOSSES_TOLD_EVERY_MS) return;
    toldAt = now();
    tell(error);
  };
}

/** A URL's own `options` would replace those that protect the module, so they are put before them. */
function takeOptions(url: string): { address: string; given: string } {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (error) {
    throw unreachable(url, error);
  }
  const given = parsed.searchParams.get('options') ?? '';
  parsed.searchParams.delete('options');
  return { address: parsed.href, given };
}

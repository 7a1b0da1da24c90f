import type { Client } from 'pg';
import { DataSource } from 'typeorm';
import { StartupError } from '../contract/index.js';
import { quoted } from './database-roles.js';
import {
  createRole,
  has,
  hasCode,
  hasRole,
  listsOfDone,
  migrationsDone,
  olderMigrationsDone,
  ownerRole,
  roleOf,
  rowsRole,
  type ModuleHome,
  withConnection,
  withModuleLock,
} from './module-database.js';
import {
  connection,
  grantRowRights,
  grantToMadeRows,
  homeOf,
  initialize,
  migrate,
  MIGRATION_TABLE,
  migrationFailure,
  namesOf,
  type MigrationClass,
  type ModuleDataOptions,
} from './open-module-data.js';

/** A module's data, with the kit's migrations apart: only a module's own are recorded, reverted or compared. */
export interface ModuleMigrations extends ModuleDataOptions {
  /** The kit's, which are among `migrations`, too. */
  readonly kit: readonly MigrationClass[];
  /** The names of those, and of all that older versions of the kit had. */
  readonly kitNames: ReadonlySet<string>;
}

/** A migration of a module, and whether its schema has it; `unknown` is one that this build does not have. */
export interface MigrationState {
  readonly name: string;
  readonly by: 'kit' | 'module';
  readonly state: 'applied' | 'pending' | 'unknown';
}

/** A statement, and the one that reverts it. */
export interface SchemaChange {
  readonly up: readonly string[];
  readonly down: readonly string[];
}

/** How to run migrations. */
export interface RunOptions {
  /** Only records the module's own migrations as done: their tables were moved here with their rows. Default false. */
  readonly fake?: boolean;
  /** A database user that may then read and write the module's rows, but cannot change a table. Default: none. */
  readonly serviceUser?: string;
}

/**
 * Runs what is pending, or waits for another replica that does; resolves with the names of what ran here.
 * @throws StartupError when a migration fails, or the user of the URL may not change the schema.
 */
export async function runMigrations(
  options: ModuleMigrations,
  { fake = false, serviceUser }: RunOptions = {},
): Promise<readonly string[]> {
  return asOwner(options, async (client, home) => {
    const ran = fake ? [...(await migrate({ ...options, migrations: options.kit }, home, client))] : [];
    ran.push(...(await migrate(options, home, client, fake)));
    if (serviceUser !== undefined) await grantRows(client, home, serviceUser);
    else await grantToMadeRows(client, home);
    return ran;
  });
}

/**
 * Takes back the module's own migration that was applied last, in a transaction unless it opted out; resolves with its
 * name. The kit's are never reverted.
 */
export async function revertMigration(options: ModuleMigrations): Promise<string> {
  return asOwner(options, async (client, home) => {
    const last = (await ownDone(options, client, home)).at(-1);
    if (last === undefined)
      throw new StartupError(
        'migration-none',
        `${home.module} has no migration of its own to revert`,
        'See what is applied: fledge migration show.',
        { module: home.module },
      );
    const found = options.migrations.find((_, i) => namesOf(options.migrations)[i] === last);
    if (!found)
      throw new StartupError(
        'migration-unknown',
        `the last migration of ${home.module}, ${last}, is not in this build`,
        'Revert it with the version of the application that has it.',
        { module: home.module, migration: last },
      );
    await takeBack(options, home, found, last, await listsOfDone(client, home, MIGRATION_TABLE));
    return last;
  });
}

/** What is applied and pending, in the order in which it was or will be; changes nothing, and needs no lock. */
export async function listMigrations(options: ModuleMigrations): Promise<readonly MigrationState[]> {
  const home = homeOf(options);
  const done = await withConnection(options.url, home, async (client) => {
    const role = await roleOf(client, home);
    if (role === undefined) return new Set<string>();
    const at = { ...home, role };
    return new Set([
      ...(await migrationsDone(client, at, MIGRATION_TABLE)),
      ...(await olderMigrationsDone(client, at)),
    ]);
  });
  const known = namesOf(options.migrations);
  const by = (name: string): 'kit' | 'module' => (options.kitNames.has(name) ? 'kit' : 'module');
  const applied = [...done].map((name): MigrationState => ({
    name,
    by: by(name),
    state: known.includes(name) || by(name) === 'kit' ? 'applied' : 'unknown',
  }));
  const pending = known
    .filter((name) => !done.has(name))
    .map((name): MigrationState => ({ name, by: by(name), state: 'pending' }));
  return [...applied, ...pending];
}

/** The statements that would change the schema to match the entities, and those that revert them. */
export async function schemaChanges(options: ModuleMigrations): Promise<SchemaChange> {
  return asOwner(options, async (client, home) => {
    const done = await migrationsDone(client, home, MIGRATION_TABLE);
    const pending = namesOf(options.migrations).filter((name) => !options.kitNames.has(name) && !done.has(name));
    if (pending.length > 0)
      throw new StartupError(
        'migration-older',
        `${home.module} has older migrations to run first: ${pending.join(', ')}`,
        `Run them, so that only what is new is written: fledge migration run ${home.module}.`,
        { module: home.module, pending },
      );
    const source = new DataSource({ ...connection(options.url, home, 1, 0), entities: [...options.entities] });
    await initialize(source, options.module);
    try {
      const { upQueries, downQueries } = await source.driver.createSchemaBuilder().log();
      return { up: upQueries.map(textOf), down: downQueries.map(textOf).reverse() };
    } finally {
      await source.destroy();
    }
  });
}

/** TypeORM's own table of views takes parameters; all of them are texts. */
function textOf({ query, parameters = [] }: { readonly query: string; readonly parameters?: unknown[] }): string {
  return query.replace(/\$(\d+)/g, (whole, place: string) => {
    const value = parameters[Number(place) - 1];
    if (value === undefined) return whole;
    return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : JSON.stringify(value);
  });
}

/** Locks a module for work that changes its tables. @throws StartupError for a user who may only work on rows. */
function asOwner<T>(options: ModuleMigrations, work: (client: Client, home: ModuleHome) => Promise<T>): Promise<T> {
  return withModuleLock(options.url, homeOf(options), (client, home) => {
    if (home.role === ownerRole(home.schema)) return work(client, home);
    throw new StartupError(
      'migration-rights',
      `this database user may only work on the rows of ${home.module}, as ${home.role}`,
      `Use a user that is a member of ${ownerRole(home.schema)}, with --database-url or FLEDGE_MIGRATION_DATABASE_URL.`,
      { module: home.module },
    );
  });
}

/** The module's own migrations that are done, the last one last. */
async function ownDone(options: ModuleMigrations, client: Client, home: ModuleHome): Promise<readonly string[]> {
  const done = [...(await migrationsDone(client, home, MIGRATION_TABLE))];
  return done.filter((name) => !options.kitNames.has(name));
}

/** Takes the name from all lists: the next run would copy what the older one keeps, as done. */
async function takeBack(
  options: ModuleMigrations,
  home: ModuleHome,
  Migration: MigrationClass,
  name: string,
  lists: readonly string[],
): Promise<void> {
  const source = new DataSource({ ...connection(options.url, home, 1, 0), entities: [...options.entities] });
  await initialize(source, options.module);
  const runner = source.createQueryRunner();
  const migration = new Migration();
  try {
    if (migration.transaction !== false) await runner.startTransaction();
    await migration.down(runner);
    for (const list of lists) await runner.query(`delete from ${list} where name = $1`, [name]);
    if (runner.isTransactionActive) await runner.commitTransaction();
  } catch (error) {
    // PostgreSQL rolls back by itself when the connection is lost; the reason is told below
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
    throw migrationFailure(home.module, error);
  } finally {
    await runner.release();
    await source.destroy();
  }
}

/** Lets a user work on rows, also on those of later tables. */
async function grantRows(client: Client, home: ModuleHome, user: string): Promise<void> {
  const role = await rowsRole(client, home.schema);
  const [rows, member] = [quoted(role), quoted(user)];
  if (!(await hasRole(client, user)))
    throw new StartupError(
      'service-user',
      `the server has no user '${user}'`,
      `Create it first: create role ${member} login password '…'.`,
      { user },
    );
  try {
    // an administrator may have done this and the last step for a user without the right to; PostgreSQL would refuse both
    if (!(await hasRole(client, role))) await createRole(client, role);
    await grantRowRights(client, home, role);
    if (!(await has(client, "select 1 where pg_has_role($1::name, $2::name, 'SET')", user, role)))
      await client.query(`grant ${rows} to ${member}`);
  } catch (error) {
    if (!hasCode(error, '42501')) throw error;
    const failure = new StartupError(
      'service-user',
      `${home.module} was migrated, but this database user may not give rights to '${user}': ${(error as Error).message}`,
      `Run as an administrator: create role ${rows} nologin; grant ${rows} to ${member}; then run this again.`,
      { user },
    );
    failure.cause = error;
    throw failure;
  }
}

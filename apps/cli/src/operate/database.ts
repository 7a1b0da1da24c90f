import { join } from 'node:path';
import {
  CONNECT_TIMEOUT_MS,
  hasCode,
  runningEmbeddedPostgres,
  type Sql,
  StartupError,
  unreachable,
} from '@fledge/kit/operator';
import { Client } from 'pg';
import { findProject } from '../project.js';
import { UnknownName } from './operate-errors.js';

/** How long one statement of an operator may take. */
const STATEMENT_TIMEOUT_MS = 60_000;

/** Holds for a schema with all of these tables. */
const hasTables = (...names: readonly string[]): string =>
  `(select count(*) from pg_class c where c.relnamespace = n.oid and c.relkind = 'r' and c.relname in (${names.map((name) => `'${name}'`).join(', ')})) = ${names.length}`;

// those of a version before are found, too: what is asked of them then says that they are older
const MODULES = `
select n.nspname as name from pg_namespace n
where ${hasTables('fledge_outbox', 'fledge_inbox', 'fledge_consumer')} or ${hasTables('outbox', 'inbox', 'message_consumer')}
order by n.nspname`;

/** The database of a system for an operator: one connection, one module at a time. */
export interface Database {
  /** The modules that keep messages in it, by name. */
  readonly modules: readonly string[];
  /** @throws UnknownName when there is no such module. */
  checkModule(name: string): void;
  /** Runs work in one module's schema, with its role. Not for concurrent use. */
  in<T>(module: string, work: (sql: Sql) => Promise<T>): Promise<T>;
}

/**
 * Runs work on the database of `DATABASE_URL`, or on the embedded PostgreSQL that runs in this project.
 * @throws StartupError if there is none, or no connection is possible.
 */
export async function withDatabase<T>(
  work: (database: Database) => Promise<T>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<T> {
  const url = env.DATABASE_URL || (await embeddedUrl());
  const client = await connect(url);
  try {
    const { rows } = await client.query<{ name: string }>(MODULES);
    return await work(
      databaseOf(
        client,
        rows.map(({ name }) => name),
      ),
    );
  } catch (error) {
    throw explained(url, error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function embeddedUrl(): Promise<string> {
  const dir = join(findProject().root, '.data/postgres');
  const url = await runningEmbeddedPostgres(dir);
  if (url) return url;
  throw new StartupError(
    'no-database',
    `DATABASE_URL is not set, and no embedded PostgreSQL runs in ${dir}`,
    'Set DATABASE_URL to the database of the system, or start it here first: npm start.',
    { dir },
  );
}

async function connect(url: string): Promise<Client> {
  let client: Client;
  try {
    client = new Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      application_name: 'fledge:operator',
      keepAlive: true,
    });
    // a broken connection fails its pending query; without a listener the event would end the process
    client.on('error', () => undefined);
    await client.connect();
  } catch (error) {
    throw unreachable(url, error);
  }
  return client;
}

function databaseOf(client: Client, modules: readonly string[]): Database {
  const sql: Sql = {
    rows: async <Row extends object>(text: string, parameters: readonly unknown[] = []) =>
      (await client.query<Row>(text, [...parameters])).rows,
    transaction: (work) => inTransaction(client, work),
  };
  const checkModule = (name: string): void => {
    if (!modules.includes(name)) throw new UnknownName('module with messages', name, modules);
  };
  return {
    modules,
    checkModule,
    in: async (module, work) => {
      checkModule(module);
      const schema = client.escapeIdentifier(module);
      await client.query(
        `reset role; set search_path to ${schema}; set role ${client.escapeIdentifier(`fledge_${module}`)}`,
      );
      return work(sql);
    },
  };
}

async function inTransaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** Turns PostgreSQL errors that a person can act on into errors that say how. */
function explained(url: string, error: unknown): unknown {
  if (hasCode(error, '42P01', '42703')) {
    return new StartupError(
      'database-older',
      `the tables of messages are older than this command: ${(error as Error).message}`,
      'Start the application of this version once: it brings them up to date.',
    );
  }
  if (hasCode(error, '42501'))
    return new StartupError(
      'database-rights',
      `the user of DATABASE_URL may not do this: ${(error as Error).message}`,
      'Use the owner, with whom the application runs.',
    );
  const isGone =
    hasCode(error, '57P01', '57P02', '57P03') ||
    (error instanceof Error && /Connection terminated|ECONNRESET/.test(error.message));
  return isGone ? unreachable(url, error) : error;
}

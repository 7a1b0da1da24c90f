import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres, SteadyClient } from '../data/index.js';

/** A database for one spec. */
export interface FreshDatabase {
  /** The URL of its owner. */
  readonly url: string;
  /** Removes it and closes all its connections. */
  drop(): Promise<void>;
}

/** The temporary server of this process, while it is in use. */
let own: { readonly server: Promise<EmbeddedPostgres>; users: number } | undefined;

/**
 * Creates an empty database, in about a tenth of a second, so that parallel specs do not see each other. It is on the
 * server of `FLEDGE_TEST_DATABASE_URL`, whose user may create databases and roles. Without that variable it is on an
 * embedded PostgreSQL, which is started for it and removed when the last database is dropped. Roles belong to the whole
 * server: specs share those of modules with the same name.
 */
export async function freshDatabase(): Promise<FreshDatabase> {
  const { FLEDGE_TEST_DATABASE_URL, FLEDGE_TEST_DATABASE_URL_FAILURE } = process.env;
  if (FLEDGE_TEST_DATABASE_URL || FLEDGE_TEST_DATABASE_URL_FAILURE)
    return databaseIn(testServer('FLEDGE_TEST_DATABASE_URL'));
  own ??= { server: throwAwayServer(), users: 0 };
  const { server } = own;
  own.users += 1;
  const database = await databaseIn((await server).url);
  const drop = async (): Promise<void> => {
    await database.drop();
    if (own === undefined || --own.users > 0) return;
    own = undefined;
    await (await server).stop();
  };
  return { url: database.url, drop };
}

async function throwAwayServer(): Promise<EmbeddedPostgres> {
  const dir = await mkdtemp(join(tmpdir(), 'fledge-test-postgres-'));
  return startEmbeddedPostgres({ dir, persistent: false });
}

async function databaseIn(server: string): Promise<FreshDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await command(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => command(server, `drop database if exists ${name} with (force)`) };
}

/** The URL of the nats-server for tests, from `FLEDGE_TEST_NATS_URL`: JetStream is on. */
export function testNatsUrl(): string {
  return testServer('FLEDGE_TEST_NATS_URL');
}

/** If the run could not start a server, the specs that need it fail with the reason; the others pass. */
function testServer(variable: 'FLEDGE_TEST_DATABASE_URL' | 'FLEDGE_TEST_NATS_URL'): string {
  const url = process.env[variable];
  if (url) return url;
  const reason = process.env[`${variable}_FAILURE`] ?? 'name a server for tests there';
  throw new Error(`${variable} is not set: ${reason}`);
}

async function command(url: string, sql: string): Promise<void> {
  const client = new SteadyClient({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

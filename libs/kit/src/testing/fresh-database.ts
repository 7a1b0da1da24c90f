import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres, SteadyClient } from '../data/index.js';

/** A database of one spec's own. */
export interface FreshDatabase {
  /** Connects its owner. */
  readonly url: string;
  /** Removes it, and cuts whatever connections it has. */
  drop(): Promise<void>;
}

/** A throw-away server of this process, while somebody uses it. */
let own: { readonly server: Promise<EmbeddedPostgres>; users: number } | undefined;

/**
 * Makes an empty database, in about a tenth of a second, so that specs that run at once do not see each other. It is in
 * the server that `FLEDGE_TEST_DATABASE_URL` names, whose user may create databases and roles; without that variable in
 * an embedded PostgreSQL, which is started for it and thrown away when the last database is dropped. Roles are the
 * whole server's: specs share those of modules with one name.
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

/** The URL of the nats-server for tests, which `FLEDGE_TEST_NATS_URL` names: JetStream is on. */
export function testNatsUrl(): string {
  return testServer('FLEDGE_TEST_NATS_URL');
}

/** A server that the run could not start says why here, in the specs that need it; the others pass. */
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

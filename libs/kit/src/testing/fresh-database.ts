import { randomBytes } from 'node:crypto';
import { SteadyClient } from '../data/index.js';

/** A database of one spec's own. */
export interface FreshDatabase {
  /** Connects its owner. */
  readonly url: string;
  /** Removes it, and cuts whatever connections it has. */
  drop(): Promise<void>;
}

/**
 * Makes an empty database in the throw-away PostgreSQL of this test run, in about a tenth of a second, so that specs that run at once do
 * not see each other. Roles are the whole server's: specs share those of modules with one name.
 */
export async function freshDatabase(): Promise<FreshDatabase> {
  const server = testServer('FLEDGE_TEST_DATABASE_URL');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await command(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => command(server, `drop database if exists ${name} with (force)`) };
}

/** The URL of the nats-server of this test run: JetStream is on, its store is thrown away at the end. */
export function testNatsUrl(): string {
  return testServer('FLEDGE_TEST_NATS_URL');
}

/** A server that the run could not start says why here, in the specs that need it; the others pass. */
function testServer(variable: 'FLEDGE_TEST_DATABASE_URL' | 'FLEDGE_TEST_NATS_URL'): string {
  const url = process.env[variable];
  if (url) return url;
  const reason = process.env[`${variable}_FAILURE`] ?? "jest was run without the kit's globalSetup, libs/kit/test/servers.globalsetup.mjs";
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

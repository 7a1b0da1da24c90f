/**
 * jest's globalSetup: starts one throw-away PostgreSQL and one nats-server for the run, both at once, and hands their
 * addresses to the specs in FLEDGE_TEST_DATABASE_URL and FLEDGE_TEST_NATS_URL. A server that cannot be started fails
 * only the specs that ask for it. Both end with the run: by the globalTeardown, or with this process if it is killed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNatsServer } from '@fledge/cli/servers';

register('./typescript.hooks.mjs', import.meta.url);

/** @typedef {{ url: string, stop(): Promise<void> }} Server */

export default async function setup() {
  const started = await Promise.all([
    offer('FLEDGE_TEST_DATABASE_URL', startPostgres),
    offer('FLEDGE_TEST_NATS_URL', startNats),
  ]);
  globalThis.fledgeTestServers = started.filter((server) => server !== undefined);
}

/** @param {string} variable @param {() => Promise<Server>} start */
async function offer(variable, start) {
  try {
    const server = await start();
    process.env[variable] = server.url;
    return server;
  } catch (error) {
    delete process.env[variable];
    process.env[`${variable}_FAILURE`] = error instanceof Error ? error.message : String(error);
    return undefined;
  }
}

/** @returns {Promise<Server>} */
async function startPostgres() {
  const { startEmbeddedPostgres } = await import('../src/data/embedded-postgres.ts');
  const dir = await mkdtemp(join(tmpdir(), 'fledge-test-postgres-'));
  return startEmbeddedPostgres({ dir, persistent: false });
}

/** @returns {Promise<Server>} */
async function startNats() {
  const { endWithParent } = await import('../src/data/end-with-parent.ts');
  const store = await mkdtemp(join(tmpdir(), 'fledge-test-nats-'));
  const server = await startNatsServer({ store });
  endWithParent(server.process, store);
  const stop = async () => {
    await server.stop();
    await rm(store, { recursive: true, force: true });
  };
  return { url: server.url, stop };
}

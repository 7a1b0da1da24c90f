/**
 * jest's globalSetup: starts one throw-away PostgreSQL and one nats-server for the run, both at once, and hands their
 * addresses to the specs in FLEDGE_TEST_DATABASE_URL and FLEDGE_TEST_NATS_URL. A server that cannot be started fails only
 * the specs that ask for it. Both end with the run: by the globalTeardown, or with this process if it is killed.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { natsServerPath } from '@fledge/cli/servers';

register('./typescript.hooks.mjs', import.meta.url);

const NATS_START_TIMEOUT_MS = 20_000;

/** @typedef {{ url: string, stop(): Promise<void> }} Server */

export default async function setup() {
  const started = await Promise.all([offer('FLEDGE_TEST_DATABASE_URL', startPostgres), offer('FLEDGE_TEST_NATS_URL', startNats)]);
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
  const program = await natsServerPath();
  const { endWithParent } = await import('../src/data/end-with-parent.ts');
  const { NATS_SERVER_PINGS } = await import('../src/transport/nats/server-settings.ts');
  const store = await mkdtemp(join(tmpdir(), 'fledge-test-nats-'));
  const config = join(store, 'nats.conf');
  await writeFile(config, NATS_SERVER_PINGS);
  const child = spawn(program, ['-c', config, '--addr', '127.0.0.1', '--port', '-1', '--jetstream', '--store_dir', store], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((done) => child.once('close', done));
  endWithParent(child, store);
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(store, { recursive: true, force: true });
  };
  try {
    return { url: await natsAddress(child), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Reads the port that the server chose from its log, and waits for its word that it is ready. @param {import('node:child_process').ChildProcess} child */
function natsAddress(child) {
  return new Promise((done, fail) => {
    const seen = [];
    const limit = setTimeout(() => fail(new Error(`nats-server is not ready after ${NATS_START_TIMEOUT_MS} ms:\n${seen.join('\n')}`)), NATS_START_TIMEOUT_MS);
    let address = '';
    createInterface({ input: child.stderr }).on('line', (line) => {
      seen.push(line);
      address ||= /client connections on (\S+)/.exec(line)?.[1] ?? '';
      if (line.includes('Server is ready')) {
        clearTimeout(limit);
        done(`nats://${address}`);
      }
    });
    child.once('close', () => {
      clearTimeout(limit);
      fail(new Error(`nats-server ended:\n${seen.join('\n')}`));
    });
  });
}

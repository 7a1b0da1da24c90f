/** Starts nats-servers for tests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { NATS_SERVER_PINGS, natsServerPath } from './servers.mjs';

/** Ends a start that hangs. */
const START_TIMEOUT_MS = 60_000;

/** See `index.d.mts`. */
export async function startNatsServer({ port = -1, config = '', store, quickPings = true } = {}) {
  const program = await natsServerPath();
  const folder = await mkdtemp(join(tmpdir(), 'fledge-nats-'));
  const file = join(folder, 'nats.conf');
  const jetstream = store === undefined ? '' : `jetstream { store_dir: "${store}" }\n`;
  // nats-server takes 0 for its usual port
  const listen = `listen: "127.0.0.1:${port === 0 ? -1 : port}"\n`;
  await writeFile(file, `${listen}${jetstream}${quickPings ? NATS_SERVER_PINGS : ''}${config}\n`);
  const child = spawn(program, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((done) => child.once('close', done));
  const endWithTest = () => child.kill('SIGKILL');
  process.once('exit', endWithTest);
  const stop = async () => {
    process.off('exit', endWithTest);
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, START_TIMEOUT_MS);
  try {
    const at = await listening(child);
    return { url: `nats://127.0.0.1:${at}`, port: at, process: child, stop };
  } catch (error) {
    await stop();
    throw isLate ? new Error(`nats-server was not ready within ${START_TIMEOUT_MS} ms`, { cause: error }) : error;
  } finally {
    clearTimeout(limit);
  }
}

/**
 * The port that the server reports, once it reports that it is ready. @param
 * {import('node:child_process').ChildProcess} child
 */
async function listening(child) {
  let port = 0;
  const lines = [];
  const failed = once(child, 'error').then(([error]) => Promise.reject(error));
  const read = async () => {
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      port ||= Number(/client connections on \S+:(\d+)/.exec(line)?.[1] ?? 0);
      if (!line.includes('Server is ready')) continue;
      // the rest is not read, but must not fill the pipe
      child.stderr.resume();
      return port;
    }
    throw new Error(`nats-server ended before it was ready:\n${lines.join('\n')}`);
  };
  return Promise.race([read(), failed]);
}

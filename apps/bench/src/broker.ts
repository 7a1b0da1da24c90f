import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { findServer, startNatsServer } from '@fledge/cli/servers';
import { freePort } from '@fledge/kit/operations';
import { kill } from './child-process.js';

/** A server that runs for one bench. */
export interface Broker {
  readonly url: string;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 20_000;

/**
 * Starts a nats-server on a free port of this machine; with JetStream when it is given a folder to store messages in.
 */
export function startBroker(store?: string): Promise<Broker> {
  // quick pings would be measured as what idle services do
  return startNatsServer({ store, quickPings: false });
}

/**
 * Starts a Redis server on a free port of this machine, which appends each write to a file and flushes it every second.
 * Rejects with the reason if there is none and none can be installed.
 */
export async function startRedis(dir: string): Promise<Broker> {
  const program = await findServer('redis-server');
  await mkdir(dir, { recursive: true });
  const port = await freePort();
  const child = spawn(
    program,
    [
      '--bind',
      '127.0.0.1',
      '--port',
      String(port),
      '--dir',
      dir,
      '--appendonly',
      'yes',
      '--appendfsync',
      'everysec',
      '--save',
      '',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const limit = AbortSignal.timeout(READY_WITHIN_MS);
  for await (const line of createInterface({ input: child.stdout, signal: limit })) {
    if (!line.includes('Ready to accept connections')) continue;
    child.stdout.resume();
    return { url: `redis://127.0.0.1:${port}`, stop: () => kill(child, 'SIGTERM') };
  }
  child.kill('SIGKILL');
  throw new Error(`redis-server ended, or did not listen within ${READY_WITHIN_MS} ms`);
}

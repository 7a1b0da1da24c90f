import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NATS_SERVER_PINGS } from '../../src/transport/nats/server-settings.js';

/** A nats-server of one spec's own, for what cannot be done to the one that all specs share. */
export interface Broker {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** What the broker is started with. */
export interface BrokerOptions {
  /** Default any free one. */
  readonly port?: number;
  /** Lines of a nats-server configuration. */
  readonly config?: string;
  /** Where JetStream keeps its store, which then outlives the broker. Default: there is no JetStream. */
  readonly store?: string;
}

/** Starts a nats-server; resolves when it takes connections. */
export async function startBroker({ port = -1, config = '', store }: BrokerOptions = {}): Promise<Broker> {
  const folder = await mkdtemp(join(tmpdir(), 'fledge-broker-'));
  const file = join(folder, 'nats.conf');
  await writeFile(file, `listen: "127.0.0.1:${port}"\n${store === undefined ? '' : `jetstream { store_dir: "${store}" }`}\n${NATS_SERVER_PINGS}${config}\n`);
  const child = spawn(await serverPath(), ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  const at = await listening(child);
  return { url: `nats://127.0.0.1:${at}`, port: at, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function serverPath(): Promise<string> {
  const script = fileURLToPath(new URL('../../../../apps/cli/servers/servers.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, 'nats-server'], { env: { ...process.env, NODE_OPTIONS: '' } });
  return stdout.trim();
}

async function listening(child: ChildProcess): Promise<number> {
  let port = 0;
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
    lines.push(line);
    port ||= Number(/client connections on \S+:(\d+)/.exec(line)?.[1] ?? 0);
    if (line.includes('Server is ready')) {
      // What follows is not read, and must not fill the pipe.
      child.stderr?.resume();
      return port;
    }
  }
  throw new Error(`nats-server ended:\n${lines.join('\n')}`);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A nats-server for one bench. */
export interface Broker {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a nats-server on a free port of this machine; with JetStream when it is given a folder to store messages in. */
export async function startBroker(store?: string): Promise<Broker> {
  // The finder is plain JavaScript beside the build, so that jest and CI can use it before there is one.
  const finder = new URL('../../../../.ci/servers.mjs', import.meta.url).href;
  const { natsServerPath } = (await import(finder)) as { natsServerPath(): Promise<string> };
  const child = spawn(await natsServerPath(), ['--addr', '127.0.0.1', '--port', '-1', ...(store === undefined ? [] : ['--jetstream', '--store_dir', store])], { stdio: ['ignore', 'ignore', 'pipe'] });
  const url = await listeningUrl(child);
  return {
    url,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function listeningUrl(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
    const found = /Listening for client connections on (\S+:\d+)/.exec(line);
    if (found) {
      child.stderr?.resume();
      return `nats://${found[1]}`;
    }
  }
  throw new Error('nats-server ended before it listened');
}

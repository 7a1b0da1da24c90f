import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { developmentPackage } from '#lint/development-package.js';
import { StartupError } from '../contract/index.js';
import { endWithParent } from '../data/index.js';
import { testNatsUrl } from './fresh-database.js';

/** A nats-server for tests. */
export interface TestBroker {
  readonly url: string;
  /** Stops it if it was started for this and nobody else uses it. */
  release(): Promise<void>;
}

/** What is used of `@fledge/cli/servers`. */
interface Servers {
  startNatsServer(options: { readonly store: string }): Promise<{
    readonly url: string;
    readonly process: ChildProcess;
    stop(): Promise<void>;
  }>;
}

const SERVERS = '@fledge/cli/servers';

/** The server of this process, while it is in use. */
let own: { readonly started: Promise<{ readonly url: string; stop(): Promise<void> }>; users: number } | undefined;

/**
 * A nats-server with JetStream: that of `FLEDGE_TEST_NATS_URL`, or one of this process, which `@fledge/cli` starts.
 * @throws StartupError if neither can be had.
 */
export async function testBroker(): Promise<TestBroker> {
  if (process.env.FLEDGE_TEST_NATS_URL || process.env.FLEDGE_TEST_NATS_URL_FAILURE)
    return { url: testNatsUrl(), release: () => Promise.resolve() };
  own ??= { started: startBroker(), users: 0 };
  const mine = own;
  mine.users += 1;
  let isReleased = false;
  const release = async (): Promise<void> => {
    if (isReleased) return;
    isReleased = true;
    if (--mine.users > 0) return;
    if (own === mine) own = undefined;
    await (await mine.started).stop();
  };
  try {
    return { url: (await mine.started).url, release };
  } catch (error) {
    // the next test tries again
    if (own === mine) own = undefined;
    throw error;
  }
}

async function startBroker(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const entry = developmentPackage(SERVERS);
  if (entry === undefined)
    throw new StartupError(
      'test-broker',
      'a topology over NATS is tested, and nothing here can start a nats-server',
      'Install @fledge/cli as a development dependency, or set FLEDGE_TEST_NATS_URL to a nats-server with JetStream.',
    );
  const { startNatsServer } = (await import(pathToFileURL(entry).href)) as Servers;
  const store = await mkdtemp(join(tmpdir(), 'fledge-test-nats-'));
  try {
    const server = await startNatsServer({ store });
    endWithParent(server.process, store);
    return {
      url: server.url,
      stop: async () => {
        await server.stop();
        await rm(store, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(store, { recursive: true, force: true });
    throw Object.assign(
      new StartupError(
        'test-broker',
        `a topology over NATS is tested, and no nats-server can be started: ${(error as Error).message}`,
        'Put nats-server 2.10 or newer on the PATH, or set FLEDGE_TEST_NATS_URL to one with JetStream.',
      ),
      { cause: error },
    );
  }
}

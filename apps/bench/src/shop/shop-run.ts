import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '@fledge/kit';
import { freePort } from '@fledge/kit/operations';
import pg from 'pg';
import { startBroker } from '../broker.js';
import { kill, whenReady } from '../child-process.js';
import { ownUsageOf, type Usage, usageOf } from './process-tree.js';
import { ShopClient } from './shop-client.js';

/** The topologies that are compared: one process, and one process per module. */
export const TOPOLOGIES = ['monolith', 'split'] as const;
export type TopologyName = (typeof TOPOLOGIES)[number];

/** How a shop is run for a bench. */
export interface ShopRunOptions {
  /** Whether PostgreSQL flushes each commit to the disk, and records its time. */
  readonly durable: boolean;
  /** Additional environment variables of the shop. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder of the built checkout; default: the bench's own. */
  readonly root?: string;
  /** Receives each line of PostgreSQL's log; default: none. */
  readonly log?: (line: string) => void;
}

/** The usage of everything that runs, up to now. */
export interface ShopUsage {
  /** The processes of the shop, its supervisor and its front door. */
  readonly shop: Usage;
  /** The part of the supervisor, which is also the front door if there are several services. */
  readonly supervisor: Usage;
  readonly postgres: Usage;
  /** Nothing without a broker. */
  readonly broker: Usage;
}

/** A running shop with the demo products. */
export interface ShopRun {
  readonly client: ShopClient;
  readonly databaseUrl: string;
  usage(): Promise<ShopUsage>;
}

const LOOK_EVERY_MS = 200;
const OWN_ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));

/**
 * Runs the built shop in a topology, on a separate PostgreSQL and, if its services need one, a separate broker, for as
 * long as `work` takes.
 */
export async function withShop<T>(
  topology: TopologyName,
  options: ShopRunOptions,
  work: (run: ShopRun) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'fledge-bench-'));
  const postgres = await startDatabase(join(dir, 'postgres'), options);
  const broker = topology === 'monolith' ? undefined : await startBroker(join(dir, 'nats'));
  const port = await freePort();
  const child = startShop(topology, options.root ?? OWN_ROOT, {
    ...options.env,
    PORT: String(port),
    DATABASE_URL: postgres.url,
    NATS_URL: broker?.url ?? '',
    FLEDGE_DEMO: 'true',
    // buyers log in once
    IDENTITY_ACCESS_TOKEN_MS: '3600000',
  });
  try {
    const client = new ShopClient(`http://127.0.0.1:${port}`);
    await whenReady(child, 'the shop', () => stocked(client), LOOK_EVERY_MS);
    const usage = async (): Promise<ShopUsage> => ({
      shop: await usageOf(child.pid as number),
      supervisor: await ownUsageOf(child.pid as number),
      postgres: await usageOf(process.pid, 'postgres'),
      broker: await usageOf(process.pid, 'nats-server'),
    });
    return await work({ client, databaseUrl: postgres.url, usage });
  } finally {
    await kill(child, 'SIGTERM');
    await broker?.stop();
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function startDatabase(dir: string, { durable, log }: ShopRunOptions): ReturnType<typeof startEmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dir, persistent: durable, log });
  if (!durable) return postgres;
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  // Takes effect at the next start.
  await client.query('alter system set track_commit_timestamp = on');
  await client.end();
  await postgres.stop();
  return startEmbeddedPostgres({ dir, log });
}

function startShop(topology: TopologyName, root: string, env: Readonly<Record<string, string>>): ChildProcess {
  const cli = join(root, 'dist/apps/cli/src/main.js');
  return spawn(process.execPath, [cli, 'start', topology], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Ready, and the demonstration catalog is there. */
async function stocked(client: ShopClient): Promise<true | undefined> {
  try {
    await client.request('GET', '/readyz');
    return (await client.productIds()).length > 0 || undefined;
  } catch {
    // Not there yet: it is asked again.
    return undefined;
  }
}

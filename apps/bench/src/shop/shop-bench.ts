import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '@fledge/kit';
import { figure } from '../report.js';
import { load } from './load.js';
import { usageOf } from './process-tree.js';
import { ShopClient } from './shop-client.js';

/** How much the shop is driven. */
export interface ShopBenchOptions {
  readonly seconds: number;
  readonly perSecond: number;
}

/** The shop in one topology under the load. */
export interface ShopRow {
  readonly topology: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuSecondsPerThousand: number;
  readonly memoryMiB: number;
  readonly failed: number;
}

const TOPOLOGIES = ['monolith', 'split'] as const;
const BUYERS = 20;
const READY_WITHIN_MS = 60_000;

/** Drives the same requests at the same rate against the shop as one process and as four services. */
export async function benchShop(options: ShopBenchOptions): Promise<ShopRow[]> {
  const rows: ShopRow[] = [];
  for (const topology of TOPOLOGIES) rows.push(await measure(topology, options));
  print(rows, options);
  return rows;
}

async function measure(topology: string, options: ShopBenchOptions): Promise<ShopRow> {
  const postgres = await startEmbeddedPostgres({ dir: await mkdtemp(join(tmpdir(), 'fledge-bench-')), persistent: false });
  const port = await freePort();
  const child = startShop(topology, port, postgres.url);
  try {
    const client = new ShopClient(`http://127.0.0.1:${port}`);
    await ready(client, child);
    const buyers = [];
    for (let i = 0; i < BUYERS; i++) buyers.push(await client.buyer(i));
    const plan = { client, buyers, products: await client.productIds(), ...options };
    await load({ ...plan, seconds: Math.max(1, options.seconds / 5) });
    const before = await usageOf(child.pid as number);
    const result = await load(plan);
    const after = await usageOf(child.pid as number);
    if (result.failure !== undefined) process.stderr.write(`${topology}: ${result.failed} failed, the first: ${result.failure}\n`);
    return {
      topology,
      perSecond: result.perSecond,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      cpuSecondsPerThousand: ((after.cpuSeconds - before.cpuSeconds) * 1_000) / result.answered,
      memoryMiB: after.memoryMiB,
      failed: result.failed,
    };
  } finally {
    await end(child);
    await postgres.stop();
  }
}

function startShop(topology: string, port: number, databaseUrl: string): ChildProcess {
  const cli = fileURLToPath(new URL('../../../cli/src/main.js', import.meta.url));
  return spawn(process.execPath, [cli, 'start', topology], {
    env: { ...process.env, PORT: String(port), DATABASE_URL: databaseUrl, NATS_URL: '', FLEDGE_DEMO: 'true' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function ready(client: ShopClient, child: ChildProcess): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the shop ended with ${child.exitCode} before it was ready`);
    if (await isStocked(client)) return;
    if (performance.now() > until) throw new Error(`the shop was not ready within ${READY_WITHIN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Ready, and the demonstration catalog is there. */
async function isStocked(client: ShopClient): Promise<boolean> {
  try {
    await client.request('GET', '/readyz');
    return (await client.productIds()).length > 0;
  } catch {
    // Not there yet: the limit above ends the asking.
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('the probe for a free port listens on no port');
  return address.port;
}

function print(rows: readonly ShopRow[], { seconds, perSecond }: ShopBenchOptions): void {
  const [one, split] = rows;
  if (!one || !split) return;
  process.stdout.write(`\nthe shop at ${perSecond} requests a second for ${seconds} s (processor time and memory without PostgreSQL)\n`);
  process.stdout.write(`  ${''.padEnd(32)}${one.topology.padStart(12)}${split.topology.padStart(12)}${'ratio'.padStart(10)}\n`);
  const lines: [string, (row: ShopRow) => number][] = [
    ['requests a second', (row) => row.perSecond],
    ['p50, ms', (row) => row.p50Ms],
    ['p99, ms', (row) => row.p99Ms],
    ['processor seconds a thousand', (row) => row.cpuSecondsPerThousand],
    ['memory, MiB', (row) => row.memoryMiB],
    ['failed', (row) => row.failed],
  ];
  for (const [name, of] of lines) {
    const ratio = of(one) === 0 ? '' : (of(split) / of(one)).toFixed(2);
    process.stdout.write(`  ${name.padEnd(32)}${figure(of(one)).padStart(12)}${figure(of(split)).padStart(12)}${ratio.padStart(10)}\n`);
  }
}

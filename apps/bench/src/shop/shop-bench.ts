import { printRatios } from '../report.js';
import { load } from './load.js';
import { TOPOLOGIES, type TopologyName, withShop } from './shop-run.js';

/** The load on the shop. */
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

const BUYERS = 20;

/** Sends the same requests at the same rate to the shop as one process and as one process per module. */
export async function benchShop(options: ShopBenchOptions): Promise<ShopRow[]> {
  const rows: ShopRow[] = [];
  for (const topology of TOPOLOGIES) rows.push(await measure(topology, options));
  print(rows, options);
  return rows;
}

function measure(topology: TopologyName, options: ShopBenchOptions): Promise<ShopRow> {
  return withShop(topology, { durable: false }, async ({ client, usage }) => {
    const buyers = [];
    for (let i = 0; i < BUYERS; i++) buyers.push(await client.buyer(i));
    const plan = { client, buyers, products: await client.productIds(), ...options };
    await load({ ...plan, seconds: Math.max(1, options.seconds / 5) });
    const before = await usage();
    const result = await load(plan);
    const after = await usage();
    if (result.failure !== undefined)
      process.stderr.write(`${topology}: ${result.failed} failed, the first: ${result.failure}\n`);
    const cpuSeconds =
      after.shop.cpuSeconds + after.broker.cpuSeconds - before.shop.cpuSeconds - before.broker.cpuSeconds;
    return {
      topology,
      perSecond: result.perSecond,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      cpuSecondsPerThousand: (cpuSeconds * 1_000) / result.answered,
      memoryMiB: after.shop.memoryMiB + after.broker.memoryMiB,
      failed: result.failed,
    };
  });
}

function print(rows: readonly ShopRow[], { seconds, perSecond }: ShopBenchOptions): void {
  printRatios(
    `the shop at ${perSecond} requests a second for ${seconds} s (processor time and memory without PostgreSQL)`,
    rows,
    [
      ['requests a second', (row) => row.perSecond],
      ['p50, ms', (row) => row.p50Ms],
      ['p99, ms', (row) => row.p99Ms],
      ['processor seconds a thousand', (row) => row.cpuSecondsPerThousand],
      ['memory, MiB', (row) => row.memoryMiB],
      ['failed', (row) => row.failed],
    ],
  );
}

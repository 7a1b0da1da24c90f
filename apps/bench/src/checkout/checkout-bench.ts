import { setTimeout as delay } from 'node:timers/promises';
import { printRatios } from '../report.js';
import { type ShopRun, type ShopUsage, TOPOLOGIES, type TopologyName, withShop } from '../shop/shop-run.js';
import type { CheckoutBenchOptions, CheckoutRow, CpuPerOrder } from './checkout-row.js';
import { benchDbos, type DbosRow, printBesideDbos } from './dbos-bench.js';
import { openMarket, placeSteadily, type Placing, saturate } from './orders.js';
import { ShopTables } from './shop-tables.js';

/** The longest time after the last answer until everything placed is confirmed, sent and paid. */
const ENDED_WITHIN_MS = 120_000;
const POLL_MS = 200;
const SHOWN_MAX = 20;
/**
 * Parcels are dispatched at once, because the delay is a setting, not a speed; and delivered after the bench, which
 * does not measure that.
 */
export const SHOP_ENV = { SHIPPING_DISPATCH_AFTER_MS: '0', SHIPPING_DELIVER_AFTER_MS: '86400000' };

/**
 * Places orders that are paid by card, and follows each to its end, in the shop as one process and as one process per
 * module; and runs DBOS beside it.
 */
export async function benchCheckout(options: CheckoutBenchOptions): Promise<(CheckoutRow | DbosRow)[]> {
  const rows: CheckoutRow[] = [];
  for (const topology of TOPOLOGIES)
    rows.push(await withShop(topology, { durable: true, env: SHOP_ENV }, (run) => measure(topology, run, options)));
  print(rows, options);
  for (const { topology, broken } of rows)
    for (const line of broken.slice(0, SHOWN_MAX)) process.stderr.write(`${topology}: ${line}\n`);
  const dbos = await benchDbos(options);
  printBesideDbos(dbos, rows);
  for (const line of dbos.broken) process.stderr.write(`DBOS: ${line}\n`);
  return [...rows, dbos];
}

async function measure(
  topology: TopologyName,
  run: ShopRun,
  { seconds, perSecond, buyers }: CheckoutBenchOptions,
): Promise<CheckoutRow> {
  const tables = await ShopTables.open(run.databaseUrl);
  try {
    const market = await openMarket(run.client, tables, buyers);
    const warm = await phase(run, tables, () => saturate(market, Math.max(1, seconds / 5)));
    const full = await phase(run, tables, () => saturate(market, seconds));
    const steady = await phase(run, tables, () => placeSteadily(market, { seconds, perSecond }));
    const all = [warm, full, steady];
    const told = all.flatMap(({ placed }) => placed.map(({ id }) => id));
    const refused = all.flatMap((one) => one.refused);
    if (refused.length > 0)
      process.stderr.write(`${topology}: ${refused.length} refused, the first: ${String(refused[0])}\n`);
    const { shop, broker } = await run.usage();
    const broken = await tables.broken(told);
    // if the shop refuses most orders, nothing useful was measured
    if (refused.length > told.length / 9)
      broken.push(`${refused.length} of ${refused.length + told.length} orders were refused`);
    return {
      topology,
      orders: told.length,
      ...(await pace(tables, full)),
      ...(await lateness(tables, steady)),
      cpuSaturated: full.cpu,
      cpuSteady: steady.cpu,
      shopMemoryMiB: shop.memoryMiB,
      brokerMemoryMiB: broker.memoryMiB,
      refused: refused.length,
      broken,
    };
  } finally {
    await tables.close();
  }
}

interface Phase extends Placing {
  readonly fromMs: number;
  readonly cpu: CpuPerOrder;
}

/** Places orders, waits until all have ended, and reports the processor time used. */
async function phase(run: ShopRun, tables: ShopTables, place: () => Promise<Placing>): Promise<Phase> {
  const before = await run.usage();
  const fromMs = Date.now();
  const placing = await place();
  const until = performance.now() + ENDED_WITHIN_MS;
  while (!(await tables.isAtRest()) && performance.now() < until) await delay(POLL_MS);
  const after = await run.usage();
  const spent = (part: keyof ShopUsage): number =>
    ((after[part].cpuSeconds - before[part].cpuSeconds) * 1_000) / placing.placed.length;
  return {
    ...placing,
    fromMs,
    cpu: { shopMs: spent('shop'), postgresMs: spent('postgres'), brokerMs: spent('broker') },
  };
}

async function pace(
  tables: ShopTables,
  { placed, fromMs }: Phase,
): Promise<Pick<CheckoutRow, 'placedPerSecond' | 'confirmedPerSecond' | 'completedPerSecond'>> {
  const ids = placed.map(({ id }) => id);
  const perSecond = (moments: readonly number[]): number => (moments.length * 1_000) / (Math.max(...moments) - fromMs);
  return {
    placedPerSecond: perSecond(placed.map(({ answeredMs }) => answeredMs)),
    confirmedPerSecond: perSecond([...(await tables.moments(ids, 'confirmed')).values()]),
    completedPerSecond: perSecond([...(await tables.moments(ids, 'completed')).values()]),
  };
}

async function lateness(
  tables: ShopTables,
  { placed }: Phase,
): Promise<Pick<CheckoutRow, 'confirmedP50Ms' | 'confirmedP99Ms'>> {
  const confirmed = await tables.moments(
    placed.map(({ id }) => id),
    'confirmed',
  );
  // an order that was never confirmed is reported as broken: here it counts as the latest of all
  const times = placed.map(({ id, fromMs }) => (confirmed.get(id) ?? Infinity) - fromMs).sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? NaN;
  return { confirmedP50Ms: at(0.5), confirmedP99Ms: at(0.99) };
}

function print(rows: readonly CheckoutRow[], { seconds, perSecond, buyers }: CheckoutBenchOptions): void {
  printRatios(`the checkout, ${buyers} buyers, each ordering as fast as it is answered, for ${seconds} s`, rows, [
    ['orders placed a second', (row) => row.placedPerSecond],
    ['orders confirmed a second', (row) => row.confirmedPerSecond],
    ['orders sent and paid a second', (row) => row.completedPerSecond],
    ...cpuLines((row) => row.cpuSaturated),
  ]);
  printRatios(`the checkout at ${perSecond} orders a second for ${seconds} s`, rows, [
    ['p50 from PlaceOrder to confirmed, ms', (row) => row.confirmedP50Ms],
    ['p99 from PlaceOrder to confirmed, ms', (row) => row.confirmedP99Ms],
    ...cpuLines((row) => row.cpuSteady),
    ['memory of the shop, MiB', (row) => row.shopMemoryMiB],
    ['memory of the broker, MiB', (row) => row.brokerMemoryMiB],
    ['orders in all', (row) => row.orders],
    ['refused', (row) => row.refused],
    ['lost, doubled, late or otherwise wrong', (row) => row.broken.length],
  ]);
}

function cpuLines(of: (row: CheckoutRow) => CpuPerOrder): [string, (row: CheckoutRow) => number][] {
  return [
    ['processor time an order, ms: the shop', (row) => of(row).shopMs],
    ['  PostgreSQL', (row) => of(row).postgresMs],
    ['  the broker', (row) => of(row).brokerMs],
  ];
}

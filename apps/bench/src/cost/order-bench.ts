import { setTimeout as delay } from 'node:timers/promises';
import { SHOP_ENV } from '../checkout/checkout-bench.js';
import { openMarket, placeSteadily, type Placing } from '../checkout/orders.js';
import { ShopTables } from '../checkout/shop-tables.js';
import { printRatios } from '../report.js';
import { type TopologyName, withShop } from '../shop/shop-run.js';
import { between, CostMeter, StatementCount } from './cost-meter.js';
import { type IdleCost, LOGGED_MS, perSecond, printAgainst, withStatements } from './idle-bench.js';
import { settle } from './settle.js';
import { mean, type Measured, type ShopVersion, takeTurns } from './shop-versions.js';

/** How orders arrive. */
export interface OrderBenchOptions {
  readonly seconds: number;
  readonly perSecond: number;
  /** The folder of another built checkout to compare with. */
  readonly against?: string | undefined;
  /** How often each of two checkouts is measured, alternating. */
  readonly rounds: number;
}

/**
 * What one order costs, including the request that fills its cart: everything used, divided by the orders that ended
 * meanwhile.
 */
export interface OrderCost {
  readonly transactions: number;
  readonly statements: number;
  readonly rows: number;
  readonly servicesMs: number;
  /** The supervisor with its front door. */
  readonly supervisorMs: number;
  readonly postgresMs: number;
  readonly brokerMs: number;
}

/** Orders at a low and steady rate, in one topology: the means of all rounds. */
export interface OrderRow {
  readonly topology: string;
  readonly version: ShopVersion['name'];
  /** The total cost per order. */
  readonly raw: OrderCost;
  /** Without what the shop costs in the same time when idle. */
  readonly net: OrderCost;
  /**
   * Orders that were sent and paid in the measured time; if that is less than what arrived, the shop did not keep up.
   */
  readonly completedPerSecond: number;
  /** Requests that got no order in answer. */
  readonly refused: number;
  /** Orders that are lost, duplicated or not completed, and all other violations, a line each. */
  readonly broken: readonly string[];
}

type Taken = Pick<OrderRow, 'raw' | 'net' | 'completedPerSecond' | 'refused' | 'broken'>;

const LOOK_MS = 3_000;
const BUYERS = 16;
const ENDED_WITHIN_MS = 60_000;
const POLL_MS = 500;
const SHOWN_MAX = 20;

/**
 * Places orders at a low and steady rate, whether or not earlier ones have ended, and measures the cost of each, in the
 * shop as one process and as one process per module.
 */
export async function benchOrder(options: OrderBenchOptions): Promise<OrderRow[]> {
  const rows = (
    await takeTurns(options.against, options.rounds, (topology, version) => measure(topology, version, options))
  ).map(meanOf);
  print(rows, options);
  for (const { topology, version, broken } of rows)
    for (const line of broken.slice(0, SHOWN_MAX)) process.stderr.write(`${topology}, ${version}: ${line}\n`);
  return rows;
}

function measure(topology: TopologyName, { root }: ShopVersion, options: OrderBenchOptions): Promise<Taken> {
  const count = new StatementCount();
  return withShop(topology, { durable: true, env: SHOP_ENV, root, log: count.take }, async (run) => {
    const tables = await ShopTables.open(run.databaseUrl);
    const meter = await CostMeter.open(run, tables);
    const { seconds, perSecond: rate } = options;
    const warm = seconds / 3;
    try {
      const market = await openMarket(run.client, tables, BUYERS);
      await settle(tables, meter, Math.min(LOOK_MS, (seconds * 1_000) / 2));
      const idle = await watch(meter, count, seconds / 2, () => Promise.resolve(0));
      // the orders continue for longer than the measurement, so that each reading is in the steady state
      const placing = placeSteadily(market, { seconds: warm + seconds + LOGGED_MS / 1_000 + 2, perSecond: rate });
      await delay(warm * 1_000);
      const before = await tables.completed();
      const from = performance.now();
      const busy = await watch(
        meter,
        count,
        seconds,
        async () => ((await tables.completed()) - before) / ((performance.now() - from) / 1_000),
      );
      return {
        ...costOf(busy, idle, busy.completed),
        completedPerSecond: busy.completed,
        ...(await soundness(tables, await placing)),
      };
    } finally {
      await meter.close();
      await tables.close();
    }
  });
}

/** What the shop costs for a time, and how many orders ended meanwhile, as `completedPerSecond` reports. */
async function watch(
  meter: CostMeter,
  count: StatementCount,
  seconds: number,
  completedPerSecond: () => Promise<number>,
): Promise<IdleCost & { readonly completed: number }> {
  const from = await meter.read();
  await delay(seconds * 1_000);
  const cost = between(from, await meter.read());
  const completed = await completedPerSecond();
  return { ...(await withStatements(perSecond(cost), meter, count)), completed };
}

function costOf(busy: IdleCost, idle: IdleCost, rate: number): Pick<Taken, 'raw' | 'net'> {
  const each = (take: (of: (cost: IdleCost) => number) => number): OrderCost => ({
    transactions: take((cost) => cost.transactions) / rate,
    statements: take((cost) => cost.statements) / rate,
    rows: take((cost) => cost.sharingRows + cost.otherRows) / rate,
    // one percent of a core is 10 ms per second
    servicesMs: (take((cost) => cost.servicesPercent) * 10) / rate,
    supervisorMs: (take((cost) => cost.supervisorPercent) * 10) / rate,
    postgresMs: (take((cost) => cost.postgresPercent) * 10) / rate,
    brokerMs: (take((cost) => cost.brokerPercent) * 10) / rate,
  });
  return { raw: each((of) => of(busy)), net: each((of) => of(busy) - of(idle)) };
}

async function soundness(tables: ShopTables, { placed, refused }: Placing): Promise<Pick<Taken, 'refused' | 'broken'>> {
  const until = performance.now() + ENDED_WITHIN_MS;
  while (!(await tables.isAtRest()) && performance.now() < until) await delay(POLL_MS);
  const broken = await tables.broken(placed.map(({ id }) => id));
  if (refused.length > 0) process.stderr.write(`${refused.length} refused, the first: ${String(refused[0])}\n`);
  // a shop that refuses orders has not been measured at this rate
  if (refused.length > placed.length / 20)
    broken.push(`${refused.length} of ${refused.length + placed.length} orders were refused`);
  return { refused: refused.length, broken };
}

function meanOf({ topology, version, values }: Measured<Taken>): OrderRow {
  const means = (kind: 'raw' | 'net'): OrderCost => ({
    transactions: mean(values, (value) => value[kind].transactions),
    statements: mean(values, (value) => value[kind].statements),
    rows: mean(values, (value) => value[kind].rows),
    servicesMs: mean(values, (value) => value[kind].servicesMs),
    supervisorMs: mean(values, (value) => value[kind].supervisorMs),
    postgresMs: mean(values, (value) => value[kind].postgresMs),
    brokerMs: mean(values, (value) => value[kind].brokerMs),
  });
  return {
    topology,
    version,
    raw: means('raw'),
    net: means('net'),
    completedPerSecond: mean(values, (value) => value.completedPerSecond),
    refused: mean(values, (value) => value.refused),
    broken: values.flatMap((value) => value.broken),
  };
}

const linesOf = (of: (row: OrderRow) => OrderCost): [string, (row: OrderRow) => number][] => [
  ['orders sent and paid a second', (row) => row.completedPerSecond],
  ['transactions an order', (row) => of(row).transactions],
  ['  statements', (row) => of(row).statements],
  ['  rows written', (row) => of(row).rows],
  ['  CPU ms of the services', (row) => of(row).servicesMs],
  ['  CPU ms of supervisor and front door', (row) => of(row).supervisorMs],
  ['  CPU ms of PostgreSQL', (row) => of(row).postgresMs],
  ['  CPU ms of the broker', (row) => of(row).brokerMs],
];

function print(rows: readonly OrderRow[], { seconds, perSecond: rate }: OrderBenchOptions): void {
  const kinds = [
    ['all that it costs', (row: OrderRow) => row.raw],
    ['without the idle cost', (row: OrderRow) => row.net],
  ] as const;
  for (const [kind, of] of kinds) {
    const title = `an order at ${rate} a second over ${seconds} s, ${kind}`;
    printRatios(
      title,
      rows.filter(({ version }) => version === 'this'),
      linesOf(of),
    );
    printAgainst(title, rows, linesOf(of));
  }
  const wrong = rows.reduce((sum, { broken }) => sum + broken.length, 0);
  process.stdout.write(`  lost, doubled, late or otherwise wrong: ${wrong}\n`);
}

import { setTimeout as delay } from 'node:timers/promises';
import { openMarket } from '../checkout/orders.js';
import { ShopTables } from '../checkout/shop-tables.js';
import { printRatios } from '../report.js';
import { type TopologyName, withShop } from '../shop/shop-run.js';
import { between, CostMeter, StatementCount } from './cost-meter.js';
import { settle } from './settle.js';
import { mean, type Measured, type ShopVersion, takeTurns } from './shop-versions.js';

/** How long an idle shop is watched. */
export interface IdleBenchOptions {
  readonly seconds: number;
  /** The folder of another built checkout to compare with. */
  readonly against?: string | undefined;
  /** How often each of two checkouts is measured, alternating. */
  readonly rounds: number;
}

/** What an idle shop costs per second. */
export interface IdleCost {
  readonly transactions: number;
  readonly statements: number;
  /** Rows of the tables by which replicas share work. */
  readonly sharingRows: number;
  /** Rows of all other tables. */
  readonly otherRows: number;
  /** Rows written per table, for tables with any. */
  readonly rows: Readonly<Record<string, number>>;
  /** Processor time in percent of one core. */
  readonly servicesPercent: number;
  readonly supervisorPercent: number;
  readonly postgresPercent: number;
  readonly brokerPercent: number;
}

/** An idle shop in one topology: the means of all rounds. */
export interface IdleRow extends IdleCost {
  readonly topology: string;
  readonly version: ShopVersion['name'];
}

/** Tables by which replicas share work; also the names that they had in older checkouts. */
const SHARING = /^(?:message_.*|(?:fledge_)?(?:replica|singleton|view))$/;
const LOOK_MS = 3_000;
/** How long statements are counted, in milliseconds. */
export const LOGGED_MS = 5_000;

/** Observes the shop without any requests, as one process and as one process per module. */
export async function benchIdle({ seconds, against, rounds }: IdleBenchOptions): Promise<IdleRow[]> {
  const rows = (await takeTurns(against, rounds, (topology, version) => measure(topology, version, seconds))).map(
    meanOf,
  );
  print(rows, seconds);
  return rows;
}

function measure(topology: TopologyName, { root }: ShopVersion, seconds: number): Promise<IdleCost> {
  const count = new StatementCount();
  return withShop(topology, { durable: true, root, log: count.take }, async (run) => {
    const tables = await ShopTables.open(run.databaseUrl);
    const meter = await CostMeter.open(run, tables);
    try {
      await openMarket(run.client, tables, 0);
      await settle(tables, meter, Math.min(LOOK_MS, (seconds * 1_000) / 2));
      const from = await meter.read();
      await delay(seconds * 1_000);
      const cost = between(from, await meter.read());
      return await withStatements(perSecond(cost), meter, count);
    } finally {
      await meter.close();
      await tables.close();
    }
  });
}

/**
 * Adds the statements per transaction, counted while PostgreSQL logs them. Logging is not free, so nothing else is
 * measured meanwhile, and the count is divided by the transactions of the same time.
 */
export async function withStatements(
  cost: Omit<IdleCost, 'statements'>,
  meter: CostMeter,
  count: StatementCount,
): Promise<IdleCost> {
  await meter.logStatements(true);
  // each session reads the setting before its next statement
  await delay(500);
  const from = await meter.read();
  const before = count.statements;
  await delay(LOGGED_MS);
  const statements = count.statements - before;
  const { transactions } = between(from, await meter.read());
  await meter.logStatements(false);
  return { ...cost, statements: transactions > 0 ? (statements / transactions) * cost.transactions : 0 };
}

/** A measurement over a time, per second. */
export function perSecond(cost: ReturnType<typeof between>): Omit<IdleCost, 'statements'> {
  const rate = (value: number): number => value / cost.seconds;
  const rows = [...cost.rows].filter(([, number]) => number > 0).sort(([, a], [, b]) => b - a);
  const sum = (sharing: boolean): number =>
    rows.filter(([name]) => SHARING.test(name) === sharing).reduce((all, [, number]) => all + number, 0);
  return {
    transactions: rate(cost.transactions),
    sharingRows: rate(sum(true)),
    otherRows: rate(sum(false)),
    rows: Object.fromEntries(rows.map(([name, number]) => [name, rate(number)])),
    servicesPercent: rate(cost.shopMs - cost.supervisorMs) / 10,
    supervisorPercent: rate(cost.supervisorMs) / 10,
    postgresPercent: rate(cost.postgresMs) / 10,
    brokerPercent: rate(cost.brokerMs) / 10,
  };
}

function meanOf({ topology, version, values }: Measured<IdleCost>): IdleRow {
  const names = new Set(values.flatMap(({ rows }) => Object.keys(rows)));
  return {
    topology,
    version,
    transactions: mean(values, (value) => value.transactions),
    statements: mean(values, (value) => value.statements),
    sharingRows: mean(values, (value) => value.sharingRows),
    otherRows: mean(values, (value) => value.otherRows),
    rows: Object.fromEntries([...names].map((name) => [name, mean(values, ({ rows }) => rows[name] ?? 0)])),
    servicesPercent: mean(values, (value) => value.servicesPercent),
    supervisorPercent: mean(values, (value) => value.supervisorPercent),
    postgresPercent: mean(values, (value) => value.postgresPercent),
    brokerPercent: mean(values, (value) => value.brokerPercent),
  };
}

const LINES: [string, (row: IdleRow) => number][] = [
  ['transactions a second', (row) => row.transactions],
  ['statements a second', (row) => row.statements],
  ['rows written a second, to share work', (row) => row.sharingRows],
  ['  all other tables', (row) => row.otherRows],
  ['CPU, % of a core: the services', (row) => row.servicesPercent],
  ['  supervisor and front door', (row) => row.supervisorPercent],
  ['  PostgreSQL', (row) => row.postgresPercent],
  ['  the broker', (row) => row.brokerPercent],
];

function print(rows: readonly IdleRow[], seconds: number): void {
  printRatios(
    `the idle shop, over ${seconds} s`,
    rows.filter(({ version }) => version === 'this'),
    LINES,
  );
  printAgainst('the idle shop', rows, LINES);
  for (const { topology, version, rows: tables } of rows) {
    const told = Object.entries(tables).map(([name, number]) => `${name} ${number.toFixed(1)}`);
    process.stdout.write(
      `  rows a second, ${topology}${version === 'this' ? '' : `, ${version}`}: ${told.join(', ') || 'none'}\n`,
    );
  }
}

/** Prints this checkout compared with the other, if any, one table per topology. */
export function printAgainst<T extends { readonly topology: string; readonly version: ShopVersion['name'] }>(
  title: string,
  rows: readonly T[],
  lines: readonly (readonly [string, (row: T) => number])[],
): void {
  for (const topology of new Set(rows.map((row) => row.topology))) {
    const pair = rows.filter((row) => row.topology === topology).map((row) => ({ ...row, topology: row.version }));
    if (pair.length === 2) printRatios(`${title}, ${topology}: against the other checkout`, pair, lines);
  }
}

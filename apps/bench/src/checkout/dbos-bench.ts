import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { ask, end, open } from '../child-process.js';
import { withServers } from '../events/events-bench.js';
import { figure } from '../report.js';
import { usageOf } from '../shop/process-tree.js';
import type { CheckoutBenchOptions, CheckoutRow } from './checkout-row.js';
import type { DbosAnswer, DbosOrder } from './dbos.main.js';

/**
 * Workflows of DBOS Transact with the checkout's eight steps, each an insert: in one process, which starts them itself.
 */
export interface DbosRow {
  readonly topology: 'DBOS';
  readonly workflows: number;
  /** One at a time per buyer: as many concurrent ones as there are buyers. */
  readonly completedPerSecond: number;
  readonly cpuSaturated: { readonly processMs: number; readonly postgresMs: number };
  /** When workflows are started steadily: from start to end. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuSteady: { readonly processMs: number; readonly postgresMs: number };
  readonly broken: readonly string[];
}

const MAIN = fileURLToPath(new URL('./dbos.main.js', import.meta.url));
const STEPS = 8;

/**
 * Runs DBOS beside the checkout, on a PostgreSQL of the same version and settings. It serves no HTTP, and its steps
 * reserve, pay and send nothing.
 */
export async function benchDbos({ seconds, perSecond, buyers }: CheckoutBenchOptions): Promise<DbosRow> {
  return withServers(async (databaseUrl) => {
    const child = await open(MAIN, [databaseUrl]);
    try {
      const phase = async (order: DbosOrder): Promise<DbosAnswer & { readonly cpu: DbosRow['cpuSteady'] }> => {
        const used = async (): Promise<readonly [number, number]> => [
          (await usageOf(child.pid as number)).cpuSeconds,
          (await usageOf(process.pid, 'postgres')).cpuSeconds,
        ];
        const [ownBefore, postgresBefore] = await used();
        const answer = await ask<DbosAnswer>(child, order);
        const [own, postgres] = await used();
        const each = 1_000 / answer.timesMs.length;
        return {
          ...answer,
          cpu: { processMs: (own - ownBefore) * each, postgresMs: (postgres - postgresBefore) * each },
        };
      };
      const warm = await phase({ saturate: { seconds: Math.max(1, seconds / 5), buyers } });
      const full = await phase({ saturate: { seconds, buyers } });
      const steady = await phase({ steadily: { seconds, perSecond } });
      const sorted = steady.timesMs.toSorted((a, b) => a - b);
      const workflows = [warm, full, steady].reduce((sum, { timesMs }) => sum + timesMs.length, 0);
      return {
        topology: 'DBOS',
        workflows,
        completedPerSecond: (full.timesMs.length * 1_000) / full.tookMs,
        cpuSaturated: full.cpu,
        p50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? Number.NaN,
        p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
        cpuSteady: steady.cpu,
        broken: await missing(databaseUrl, workflows),
      };
    } finally {
      await end(child);
    }
  });
}

async function missing(databaseUrl: string, workflows: number): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const {
      rows: [row],
    } = await client.query<{ taken: number }>('select count(*)::int as taken from step');
    return row?.taken === workflows * STEPS
      ? []
      : [`${workflows} workflows took ${row?.taken} steps, not ${workflows * STEPS}`];
  } finally {
    await client.end();
  }
}

/** Prints DBOS beside the shop in each topology; a ratio is the shop's figure divided by that of DBOS. */
export function printBesideDbos(dbos: DbosRow, shops: readonly CheckoutRow[]): void {
  const lines: [string, number, (row: CheckoutRow) => number][] = [
    ['completed a second, as fast as it goes', dbos.completedPerSecond, (row) => row.completedPerSecond],
    ['  CPU ms each: the processes', dbos.cpuSaturated.processMs, (row) => row.cpuSaturated.shopMs],
    ['  PostgreSQL', dbos.cpuSaturated.postgresMs, (row) => row.cpuSaturated.postgresMs],
    ['steadily, p50 to the end (Fledge: confirmed), ms', dbos.p50Ms, (row) => row.confirmedP50Ms],
    ['  CPU ms each: the processes', dbos.cpuSteady.processMs, (row) => row.cpuSteady.shopMs],
    ['  PostgreSQL', dbos.cpuSteady.postgresMs, (row) => row.cpuSteady.postgresMs],
  ];
  process.stdout.write('\nDBOS Transact, a workflow of the same 8 steps, each an insert, beside the shop\n');
  process.stdout.write(
    `  ${''.padEnd(50)}${'DBOS'.padStart(12)}${shops.map(({ topology }) => topology.padStart(12) + 'ratio'.padStart(8)).join('')}\n`,
  );
  for (const [name, own, of] of lines) {
    const cells = shops.map((row) => figure(of(row)).padStart(12) + (of(row) / own).toFixed(2).padStart(8));
    process.stdout.write(`  ${name.padEnd(50)}${figure(own).padStart(12)}${cells.join('')}\n`);
  }
}

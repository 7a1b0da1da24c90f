import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startBroker } from '../broker.js';
import { figure } from '../report.js';
import { usageOf } from '../shop/process-tree.js';
import { measureBacklog } from './backlog-bench.js';
import { drive, type DriveOptions, type Driven } from './drive.js';
import { withServers } from './events-bench.js';
import type { PipeSize } from './pipe.js';
import { end, open } from './pipe-processes.js';

/** How much to publish at each size. */
export interface ScaleBenchOptions extends DriveOptions {
  /** How long each is observed while idle. */
  readonly idleSeconds: number;
  /** Only the second size of each kind, and the smallest backlog. */
  readonly short: boolean;
}

/** The costs of an application of one size, with all else small. */
export interface ScaleRow {
  /** What grows. */
  readonly kind: string;
  readonly size: number;
  /** Events published per second, however many consumers each has. */
  readonly perSecond: number;
  readonly cpuMicros?: number;
  readonly postgresMicros?: number;
  readonly p50Ms?: number;
  /** While idle, per second. */
  readonly idleTransactions?: number;
  /** While idle, processor time in percent of one core. */
  readonly idlePercent?: number;
  readonly idlePostgresPercent?: number;
  /** Events that were handled twice or never. */
  readonly wrong: number;
}

interface Case extends PipeSize, Partial<Pick<DriveOptions, 'keys' | 'bytes'>> {
  /** Replicas of the consuming module, each in a separate process, over NATS; default: everything in one process. */
  readonly replicas?: number;
}

/** The most events of one message size at a time. */
const BYTES_MAX = 20_000_000;

/** What grows, and how far. */
const KINDS: readonly (readonly [kind: string, sizes: readonly number[], of: (size: number) => Case])[] = [
  ['consumers', [1, 5, 20], (consumers) => ({ consumers })],
  ['modules', [7, 20, 50], (modules) => ({ others: modules - 2 })],
  ['replicas, over NATS', [1, 2, 4, 8], (replicas) => ({ replicas })],
  ['keys', [10, 1_000, 100_000], (keys) => ({ keys })],
  ['bytes of a message', [200, 2_000, 20_000, 100_000], (bytes) => ({ bytes })],
];
const BACKLOGS = [1_000, 100_000, 1_000_000];
const HEADS = ['a second', 'CPU, µs', 'PostgreSQL', 'p50, ms', 'idle tx/s', 'idle CPU %', 'PostgreSQL', 'wrong'];

/** Measures how the cost of durable events grows with what an application has of each kind, and prints a table. */
export async function benchScale(options: ScaleBenchOptions): Promise<ScaleRow[]> {
  const rows: ScaleRow[] = [];
  const tell = (row: ScaleRow): void => {
    rows.push(row);
    const cells = [
      row.perSecond,
      row.cpuMicros,
      row.postgresMicros,
      row.p50Ms,
      row.idleTransactions,
      row.idlePercent,
      row.idlePostgresPercent,
    ].map((value) => (value === undefined ? '' : figure(value)));
    process.stdout.write(
      `  ${row.size.toLocaleString('en').padStart(12)}${[...cells, String(row.wrong)].map((cell) => cell.padStart(12)).join('')}\n`,
    );
  };
  process.stdout.write(
    `\nhow the cost of durable events grows; CPU an event as fast as it goes, late at ${options.perSecond} a second\n  ${''.padEnd(12)}${HEADS.map((head) => head.padStart(12)).join('')}\n`,
  );
  const attempt = async (
    kind: string,
    size: number,
    work: () => Promise<Omit<ScaleRow, 'kind' | 'size'>>,
  ): Promise<void> => {
    try {
      tell({ kind, size, ...(await work()) });
    } catch (error) {
      // a size that fails must neither abort the others nor go unnoticed
      process.stdout.write(`  ${size.toLocaleString('en').padStart(12)}  failed: ${(error as Error).message}\n`);
      rows.push({ kind, size, perSecond: 0, wrong: 1 });
    }
  };
  for (const [kind, sizes, of] of KINDS) {
    process.stdout.write(`  ${kind}\n`);
    for (const size of options.short ? sizes.slice(1, 2) : sizes)
      await attempt(kind, size, () => measure(of(size), options));
  }
  process.stdout.write('  backlog\n');
  for (const size of options.short ? BACKLOGS.slice(0, 1) : BACKLOGS) {
    await attempt('backlog', size, async () => {
      const { perSecond, wrong } = await measureBacklog('local', size);
      return { perSecond, wrong };
    });
  }
  return rows;
}

function measure(
  { replicas, consumers = 1, others = 0, ...each }: Case,
  options: ScaleBenchOptions,
): Promise<Omit<ScaleRow, 'kind' | 'size'>> {
  return withServers(async (databaseUrl, start) => {
    const broker = replicas === undefined ? undefined : await start(startBroker);
    const children: ChildProcess[] = [];
    const openOne = async (modules: string): Promise<ChildProcess> => {
      const child = await open([modules, databaseUrl, broker?.url ?? '', '', String(consumers), String(others)]);
      children.push(child);
      return child;
    };
    try {
      const more = Array.from({ length: others }, (_, i) => `,other-${i + 1}`).join('');
      const sinks: ChildProcess[] = [];
      for (let i = 0; i < (replicas ?? 1); i++) sinks.push(await openOne(broker ? 'sink' : `source,sink${more}`));
      const source = broker ? await openOne('source') : (sinks[0] as ChildProcess);
      const events = Math.min(options.events, Math.floor(BYTES_MAX / (each.bytes ?? 1)));
      const driven = await drive(
        { source, sinks, children, broker: 'nats-server', consumers },
        { ...options, ...each, events },
      );
      return {
        ...costOf(driven),
        ...(await idle(databaseUrl, children, options.idleSeconds)),
        wrong: (sinks.length > 1 ? 0 : driven.unordered) + Math.abs(driven.committed - driven.all),
      };
    } finally {
      for (const child of children) await end(child);
    }
  });
}

function costOf({
  perSecond,
  cpuMicros,
  postgresMicros,
  p50Ms,
}: Driven): Pick<ScaleRow, 'perSecond' | 'cpuMicros' | 'postgresMicros' | 'p50Ms'> {
  return { perSecond, cpuMicros, postgresMicros, p50Ms };
}

/** What processes cost per second when nothing has happened for a while. */
async function idle(
  databaseUrl: string,
  children: readonly ChildProcess[],
  seconds: number,
): Promise<Pick<ScaleRow, 'idleTransactions' | 'idlePercent' | 'idlePostgresPercent'>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const read = async (): Promise<readonly [number, number, number]> => {
    // the bench's own two are counted at the next reading at the latest: two in total
    const {
      rows: [row],
    } = await client.query<{ transactions: string }>(
      'select xact_commit + xact_rollback as transactions, pg_stat_force_next_flush() from pg_stat_database where datname = current_database()',
    );
    let cpu = 0;
    for (const child of children) cpu += (await usageOf(child.pid as number)).cpuSeconds;
    return [Number(row?.transactions), cpu, (await usageOf(process.pid, 'postgres')).cpuSeconds];
  };
  try {
    await delay(Math.min(2, seconds) * 1_000);
    const before = await read();
    await delay(seconds * 1_000);
    const after = await read();
    const perSecond = (i: 0 | 1 | 2): number => (after[i] - before[i]) / seconds;
    return { idleTransactions: perSecond(0), idlePercent: perSecond(1) * 100, idlePostgresPercent: perSecond(2) * 100 };
  } finally {
    await client.end();
  }
}

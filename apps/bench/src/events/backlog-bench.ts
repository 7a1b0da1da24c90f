import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@fledge/kit';
import pg from 'pg';
import { startBroker } from '../broker.js';
import { figure } from '../report.js';
import { ask, end, open, takenBy } from './pipe-processes.js';

/** A backlog that was drained over one transport. */
export interface BacklogRow {
  readonly transport: string;
  readonly events: number;
  readonly perSecond: number;
  /** For each tenth of the backlog: a rate that falls as the tables grow reveals unbounded work. */
  readonly tenthsPerSecond: readonly number[];
  /** The highest memory use of all processes together, when they were ready and when everything was handled. */
  readonly readyMiB: number;
  readonly drainedMiB: number;
  readonly wrong: number;
}

const KEYS = 1_000;
const TENTHS = 10;
/** Less than a backlog of a million needs. */
const HEAP_MAX_MIB = 128;
const STALLED_MS = 120_000;

/** As if `source` had published all of it while nothing was delivered. */
const LEFT_BEHIND = `
insert into source.fledge_outbox (kind, name, key, partition, payload)
select 'event', 'source.happened.v1', topic, hashtext(topic) & 15, json_build_object('topic', topic, 'number', 1 + n / ${KEYS}, 'at', 0)
from (select n, 'topic-' || n % ${KEYS} as topic from generate_series(0, $1::int - 1) n) numbered`;

/** Drains a backlog of events, in one process and in two over NATS, each with a heap of 128 MiB. */
export async function benchBacklog(events: number): Promise<BacklogRow[]> {
  const rows: BacklogRow[] = [];
  for (const transport of ['local', 'nats'] as const) rows.push(await measureBacklog(transport, events));
  process.stdout.write(
    `\na backlog of ${events.toLocaleString('en')} events, ${KEYS} keys, a heap of ${HEAP_MAX_MIB} MiB a process\n`,
  );
  process.stdout.write(
    `  ${''.padEnd(12)}${'a second'.padStart(12)}${'first tenth'.padStart(14)}${'last tenth'.padStart(12)}${'MiB, ready'.padStart(14)}${'MiB, drained'.padStart(14)}${'wrong'.padStart(8)}\n`,
  );
  for (const { transport, perSecond, tenthsPerSecond, readyMiB, drainedMiB, wrong } of rows) {
    process.stdout.write(
      `  ${transport.padEnd(12)}${figure(perSecond).padStart(12)}${figure(tenthsPerSecond[0] ?? Number.NaN).padStart(14)}${figure(tenthsPerSecond.at(-1) ?? Number.NaN).padStart(12)}${figure(readyMiB).padStart(14)}${figure(drainedMiB).padStart(14)}${String(wrong).padStart(8)}\n`,
    );
  }
  return rows;
}

/** Drains a backlog of this many events over one transport. */
export async function measureBacklog(transport: 'local' | 'nats', events: number): Promise<BacklogRow> {
  const dir = await mkdtemp(join(tmpdir(), 'fledge-bench-'));
  const postgres = await startEmbeddedPostgres({ dir: join(dir, 'postgres') });
  const broker = transport === 'nats' ? await startBroker(join(dir, 'nats')) : undefined;
  const processes: ChildProcess[] = [];
  const openAll = async (): Promise<void> => {
    for (const modules of broker ? ['sink', 'source'] : ['source,sink'])
      processes.push(
        await open([modules, postgres.url, broker?.url ?? '', ''], [`--max-old-space-size=${HEAP_MAX_MIB}`]),
      );
  };
  const endAll = async (): Promise<void> => {
    for (const child of processes.splice(0)) await end(child);
  };
  try {
    // once, to create the tables
    await openAll();
    await endAll();
    await leaveBehind(postgres.url, events);
    await openAll();
    return { transport, events, ...(await drained(processes, events)) };
  } finally {
    await endAll();
    await broker?.stop();
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function leaveBehind(databaseUrl: string, events: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(LEFT_BEHIND, [events]);
    await client.query('vacuum analyze source.fledge_outbox');
  } finally {
    await client.end();
  }
}

async function drained(
  processes: readonly ChildProcess[],
  events: number,
): Promise<Omit<BacklogRow, 'transport' | 'events'>> {
  const [sink] = processes as [ChildProcess];
  const memory = async (): Promise<number> => {
    let sum = 0;
    for (const child of processes) sum += (await ask(child, { memory: true })) as number;
    return sum;
  };
  const readyMiB = await memory();
  const start = performance.now();
  const tenths: number[] = [];
  let last = { at: start, committed: 0 };
  let moved = { at: start, committed: 0 };
  for (;;) {
    const { committed, wrong } = await takenBy(sink);
    const at = performance.now();
    if (committed > moved.committed) moved = { at, committed };
    if (at - moved.at > STALLED_MS)
      throw new Error(`${committed} of ${events} events were handled, and none within ${STALLED_MS} ms`);
    if (committed >= ((tenths.length + 1) * events) / TENTHS) {
      tenths.push(((committed - last.committed) / (at - last.at)) * 1_000);
      last = { at, committed };
      // otherwise the data that the bench itself keeps would grow
      await ask(sink, { lags: true });
    }
    if (committed >= events)
      return {
        perSecond: (events / (at - start)) * 1_000,
        tenthsPerSecond: tenths,
        readyMiB,
        drainedMiB: await memory(),
        wrong: wrong + committed - events,
      };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@fledge/kit';
import pg from 'pg';
import { startBroker } from '../broker.js';
import { figure } from '../report.js';
import type { PipeOrder } from './pipe.main.js';
import { ask, end, open, takenBy } from './pipe-processes.js';

/** How much is published. */
export interface EventsBenchOptions {
  /** As fast as it goes. */
  readonly events: number;
  /** Then so many a second, for this time. */
  readonly perSecond: number;
  readonly seconds: number;
}

/** Durable events over one transport. */
export interface EventsRow {
  readonly transport: string;
  /** Whether the handler makes a statement of its own for each event. */
  readonly inserts: boolean;
  /** From the first commit of the publisher to the last commit of the handler. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Events that were handled twice, never, or out of the order of their key. */
  readonly wrong: number;
}

const KEYS = 1_000;
const PER_TRANSACTION = 20;
const DONE_WITHIN_MS = 300_000;

/** Publishes events and has them handled, once and in order of a thousand keys, in one process and in two over NATS. */
export async function benchEvents(options: EventsBenchOptions): Promise<EventsRow[]> {
  const rows: EventsRow[] = [];
  for (const inserts of [false, true]) for (const transport of ['local', 'nats'] as const) rows.push(await measure(transport, inserts, options));
  process.stdout.write(`\ndurable events, ${KEYS} keys, ${PER_TRANSACTION} a transaction of the publisher\n`);
  process.stdout.write(`  ${''.padEnd(32)}${'a second'.padStart(12)}${'p50, ms'.padStart(12)}${'p99, ms'.padStart(12)}${'wrong'.padStart(8)}   (late at ${options.perSecond} a second)\n`);
  for (const row of rows) process.stdout.write(`  ${nameOf(row).padEnd(32)}${figure(row.perSecond).padStart(12)}${figure(row.p50Ms).padStart(12)}${figure(row.p99Ms).padStart(12)}${String(row.wrong).padStart(8)}\n`);
  return rows;
}

function nameOf({ transport, inserts }: EventsRow): string {
  return inserts ? `${transport}, an insert a handler` : transport;
}

async function measure(transport: 'local' | 'nats', inserts: boolean, { events, perSecond, seconds }: EventsBenchOptions): Promise<EventsRow> {
  const dir = await mkdtemp(join(tmpdir(), 'fledge-bench-'));
  const postgres = await startEmbeddedPostgres({ dir: join(dir, 'postgres') });
  const broker = transport === 'nats' ? await startBroker(join(dir, 'nats')) : undefined;
  const processes: ChildProcess[] = [];
  const client = new pg.Client({ connectionString: postgres.url });
  try {
    for (const modules of broker ? ['sink', 'source'] : ['source,sink']) processes.push(await open([modules, postgres.url, broker?.url ?? '', inserts ? 'inserts' : '']));
    const [sink, source = sink] = processes as [ChildProcess, ChildProcess?];
    await client.connect();
    await produce(source, sink, { events: Math.ceil(events / 10), keys: KEYS, perTransaction: PER_TRANSACTION }, 0);
    const warm = Math.ceil(events / 10);
    const start = performance.now();
    await produce(source, sink, { events, keys: KEYS, perTransaction: PER_TRANSACTION }, warm);
    const took = performance.now() - start;
    await ask(sink, { lags: true });
    await produce(source, sink, { events: perSecond * seconds, keys: KEYS, perTransaction: 1, perSecond }, warm + events);
    const lags = ((await ask(sink, { lags: true })) as readonly number[]).toSorted((a, b) => a - b);
    const at = (share: number): number => lags[Math.floor(lags.length * share)] ?? Number.NaN;
    const all = warm + events + perSecond * seconds;
    const { committed, wrong } = await takenBy(sink);
    const misplaced = inserts ? await misplacedRows(client, all) : 0;
    return { transport, inserts, perSecond: (events / took) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99), wrong: wrong + misplaced + Math.abs(committed - all) };
  } finally {
    for (const child of processes) await end(child);
    await client.end();
    await broker?.stop();
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Publishes, and waits until the handler has taken all. */
async function produce(source: ChildProcess, sink: ChildProcess, options: Extract<PipeOrder, { produce: unknown }>['produce'], before: number): Promise<void> {
  await ask(source, { produce: options });
  const until = performance.now() + DONE_WITHIN_MS;
  for (let taken = 0; taken < before + options.events; ) {
    if (performance.now() > until) throw new Error(`${taken} of ${before + options.events} events were handled within ${DONE_WITHIN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    taken = (await takenBy(sink)).committed;
  }
}

/** A key's numbers rise by one from 1 on, in the order in which they were taken. */
async function misplacedRows(client: pg.Client, events: number): Promise<number> {
  const { rows } = await client.query<{ wrong: string; taken: string }>(
    'select count(*) filter (where number <> place) as wrong, count(*) as taken from (select number, row_number() over (partition by topic order by id) as place from sink.taken) placed',
  );
  return Number(rows[0]?.wrong) + Math.abs(Number(rows[0]?.taken) - events);
}

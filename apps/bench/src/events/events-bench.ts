import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '@fledge/kit';
import pg from 'pg';
import { type Broker, startBroker, startRedis } from '../broker.js';
import * as processes from '../child-process.js';
import { figure } from '../report.js';
import { drive, type DriveOptions, type Driven } from './drive.js';
import { PEERS, type PeerPlan } from './peers/index.js';
import { end, open } from './pipe-processes.js';

/** How much to publish. */
export interface EventsBenchOptions extends Omit<DriveOptions, 'keys' | 'perTransaction'> {
  /** Whether other queues are measured with both kinds of handler, or only with one that makes its own statement. */
  readonly peers: 'both' | 'once';
}

/** Durable events over one transport, or jobs of another queue. */
export interface EventsRow extends Driven {
  /** For Fledge, its transport. */
  readonly transport: string;
  /** Whether the handler makes its own statement for each event. */
  readonly inserts: boolean;
  readonly peer: boolean;
  /**
   * Events that were handled twice, never, or out of the order of their key; for a peer, which keeps no order, those
   * that were lost or handled twice.
   */
  readonly wrong: number;
}

const KEYS = 1_000;
const PER_TRANSACTION = 20;
const PEER_MAIN = fileURLToPath(new URL('./peers/peer.main.js', import.meta.url));

/**
 * Publishes events and handles them, once and in order of a thousand keys, in one process and in two over NATS; and for
 * comparison jobs of other queues, in one process that publishes and handles. Each gets a separate PostgreSQL of the
 * same version and settings.
 */
export async function benchEvents({ peers, ...sizes }: EventsBenchOptions): Promise<EventsRow[]> {
  const options = { ...sizes, keys: KEYS, perTransaction: PER_TRANSACTION };
  const rows: EventsRow[] = [];
  process.stdout.write(
    `\ndurable events, ${KEYS} keys, ${PER_TRANSACTION} a transaction of the publisher; late at ${options.perSecond} a second, and one by one\n`,
  );
  process.stdout.write(
    `  ${''.padEnd(34)}${['a second', 'Fledge/this', 'CPU, µs', 'PostgreSQL', 'broker', 'p50, ms', 'p99, ms', 'p50, idle', 'wrong'].map((head) => head.padStart(12)).join('')}\n`,
  );
  for (const inserts of [false, true]) {
    process.stdout.write(inserts ? '  with an insert a handler\n' : '');
    for (const transport of ['local', 'nats'] as const) tell(rows, await measure(transport, inserts, options));
    for (const plan of inserts || peers === 'both' ? PEERS : []) {
      try {
        tell(rows, await measurePeer(plan, inserts, options));
      } catch (error) {
        if (!(error instanceof PeerAway)) throw error;
        process.stdout.write(`  ${plan.name}: skipped, ${error.message}\n`);
      }
    }
  }
  return rows;
}

/** Stores a row and prints it beside Fledge's row of the same kind. */
function tell(rows: EventsRow[], row: EventsRow): void {
  rows.push(row);
  const own = rows.find(({ transport, inserts }) => transport === 'local' && inserts === row.inserts);
  const ratio = ((own?.perSecond ?? Number.NaN) / row.perSecond).toFixed(2);
  const cells = [
    figure(row.perSecond),
    ratio,
    figure(row.cpuMicros),
    figure(row.postgresMicros),
    figure(row.brokerMicros),
    figure(row.p50Ms),
    figure(row.p99Ms),
    figure(row.idleP50Ms),
    String(row.wrong),
  ];
  process.stdout.write(`  ${row.transport.padEnd(34)}${cells.map((cell) => cell.padStart(12)).join('')}\n`);
}

async function measure(transport: 'local' | 'nats', inserts: boolean, options: DriveOptions): Promise<EventsRow> {
  return withServers(async (databaseUrl, start) => {
    const broker = transport === 'nats' ? await start(startBroker) : undefined;
    const children: ChildProcess[] = [];
    try {
      for (const modules of broker ? ['sink', 'source'] : ['source,sink'])
        children.push(await open([modules, databaseUrl, broker?.url ?? '', inserts ? 'inserts' : '']));
      const [sink, source = sink] = children as [ChildProcess, ChildProcess?];
      const driven = await drive({ source, sinks: [sink], children, broker: 'nats-server' }, options);
      const misplaced = inserts ? await misplacedRows(databaseUrl, driven.all, true) : 0;
      return {
        transport,
        inserts,
        peer: false,
        ...driven,
        wrong: driven.unordered + misplaced + Math.abs(driven.committed - driven.all),
      };
    } finally {
      for (const child of children) await end(child);
    }
  });
}

/** A peer that cannot run on this machine. */
class PeerAway extends Error {}

async function measurePeer(plan: PeerPlan, inserts: boolean, options: DriveOptions): Promise<EventsRow> {
  return withServers(async (databaseUrl, start) => {
    const redis = plan.needsRedis
      ? await start(startRedis).catch((error: Error) => Promise.reject(new PeerAway(error.message)))
      : undefined;
    const child = await processes.open(PEER_MAIN, [plan.name, databaseUrl, redis?.url ?? '', inserts ? 'inserts' : '']);
    try {
      const driven = await drive(
        { source: child, sinks: [child], children: [child], broker: 'redis-server' },
        { ...options, events: Math.ceil(options.events * plan.share) },
      );
      const misplaced = inserts ? await misplacedRows(databaseUrl, driven.all, false) : 0;
      return {
        transport: plan.name,
        inserts,
        peer: true,
        ...driven,
        wrong: misplaced + Math.abs(driven.committed - driven.all),
      };
    } finally {
      await end(child);
    }
  });
}

/** Runs a PostgreSQL for the duration of `work`, which may start other things in the same folder. */
export async function withServers<T>(
  work: (databaseUrl: string, start: (server: (dir: string) => Promise<Broker>) => Promise<Broker>) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'fledge-bench-'));
  const postgres = await startEmbeddedPostgres({ dir: join(dir, 'postgres') });
  let broker: Broker | undefined;
  try {
    return await work(postgres.url, async (server) => (broker = await server(join(dir, 'broker'))));
  } finally {
    await broker?.stop();
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * Rows of handlers that are missing or surplus and, if there is an order, those out of it: the numbers of a key rise by
 * one from 1 on.
 */
async function misplacedRows(databaseUrl: string, events: number, ordered: boolean): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const table = ordered ? 'sink.taken' : 'taken';
    const { rows } = await client.query<{ wrong: string; taken: string }>(
      `select count(*) filter (where number <> place) as wrong, count(*) as taken from (select number, row_number() over (partition by topic order by ${ordered ? 'id' : 'number, id'}) as place from ${table}) placed`,
    );
    return Number(rows[0]?.wrong) + Math.abs(Number(rows[0]?.taken) - events);
  } finally {
    await client.end();
  }
}

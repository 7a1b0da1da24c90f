import { setTimeout as delay } from 'node:timers/promises';
import { median, printRatios } from '../report.js';
import { usageOf } from '../shop/process-tree.js';
import { bodyOf, closedLoop } from './closed-loop.js';
import { type Server, withServers } from './servers.js';

/** How long and how often each server is loaded. */
export interface HttpBenchOptions {
  readonly ms: number;
  /** The servers are loaded alternately, this many times. */
  readonly rounds: number;
  readonly connections: number;
}

/** A server of `GET /products/:id`; medians of its rounds. */
export interface HttpRow {
  readonly topology: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the server's process, user and system. */
  readonly cpuMsPerThousand: number;
  /** Without what an idle process uses in that time: its polls, heartbeats and timers. */
  readonly cpuMsPerThousandBusy: number;
  readonly idleCpuPercent: number;
  readonly memoryMiB: number;
}

/** After this many requests a server no longer became faster. */
const WARM_REQUESTS = 5_000;

type Round = Pick<HttpRow, 'perSecond' | 'p50Ms' | 'p99Ms' | 'cpuMsPerThousand'>;

/**
 * Loads `GET /products/:id` of the shop as one process, and of the same controller in stock Nest with Fastify,
 * `ValidationPipe` and TypeORM, in turn, on the same table. The figures of the shop include what the stock application
 * lacks (sign-in, traces, deadlines, problems, the other modules' messages).
 */
export function benchHttp(options: HttpBenchOptions): Promise<HttpRow[]> {
  return withServers(async (servers, products) => {
    const paths = products.map((id) => `/products/${id}`);
    await refuseDifferent(servers, paths.slice(0, 10));
    for (const { port } of servers) await warmUp(port, paths, options);
    const idle = new Map<Server, number>();
    for (const server of servers) idle.set(server, await idleCpu(server, options.ms));
    const rounds = new Map<Server, Round[]>(servers.map((server) => [server, []]));
    for (let n = 0; n < options.rounds; n++) {
      for (const server of servers) rounds.get(server)?.push(await round(server, paths, options));
    }
    const rows = await Promise.all(
      servers.map((server) => rowOf(server, rounds.get(server) ?? [], idle.get(server) ?? 0)),
    );
    print(rows, options);
    return rows;
  });
}

/** Sends requests until the server's code is compiled, or as many as it answers in the time of all rounds. */
async function warmUp(port: number, paths: readonly string[], options: HttpBenchOptions): Promise<void> {
  const until = performance.now() + options.ms * options.rounds;
  for (let answered = 0; answered < WARM_REQUESTS && performance.now() < until;)
    answered += (await closedLoop(port, paths, options)).answered;
}

/** Refuses to compare servers that answer differently. */
async function refuseDifferent([one, other]: readonly [Server, Server], paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const [a, b] = [await bodyOf(undefined, one.port, path), await bodyOf(undefined, other.port, path)];
    if (a !== b) throw new Error(`${path} is answered by ${one.name} with ${a} and by ${other.name} with ${b}`);
  }
}

/** The share of a processor that an idle server uses. */
async function idleCpu({ pid }: Server, ms: number): Promise<number> {
  const before = await usageOf(pid);
  const from = performance.now();
  await delay(ms);
  const after = await usageOf(pid);
  return ((after.cpuSeconds - before.cpuSeconds) * 1_000) / (performance.now() - from);
}

async function round({ pid, port }: Server, paths: readonly string[], options: HttpBenchOptions): Promise<Round> {
  const before = await usageOf(pid);
  const { answered, seconds, times } = await closedLoop(port, paths, options);
  const after = await usageOf(pid);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? NaN;
  return {
    perSecond: answered / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuMsPerThousand: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / answered,
  };
}

async function rowOf({ name, pid }: Server, rounds: readonly Round[], idle: number): Promise<HttpRow> {
  const of = (figure: keyof Round): number => median(rounds.map((one) => one[figure]));
  return {
    topology: name,
    perSecond: of('perSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    cpuMsPerThousand: of('cpuMsPerThousand'),
    cpuMsPerThousandBusy: median(
      rounds.map(({ cpuMsPerThousand, perSecond }) => cpuMsPerThousand - (idle * 1e6) / perSecond),
    ),
    idleCpuPercent: idle * 100,
    memoryMiB: (await usageOf(pid)).memoryMiB,
  };
}

function print(rows: readonly HttpRow[], { ms, rounds, connections }: HttpBenchOptions): void {
  printRatios(
    `GET /products/:id, ${connections} connections, each as fast as it is answered, in turn ${rounds} times for ${ms / 1_000} s each`,
    rows,
    [
      ['requests a second', (row) => row.perSecond],
      ['p50, ms', (row) => row.p50Ms],
      ['p99, ms', (row) => row.p99Ms],
      ['processor ms of the server a thousand', (row) => row.cpuMsPerThousand],
      ['  without what it uses idle', (row) => row.cpuMsPerThousandBusy],
      ['idle, percent of a processor', (row) => row.idleCpuPercent],
      ['memory, MiB', (row) => row.memoryMiB],
    ],
  );
}

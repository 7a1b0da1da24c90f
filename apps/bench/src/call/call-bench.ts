import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Broker, startBroker } from '../broker.js';
import { kill, messageOf } from '../child-process.js';
import { type Row, median, printTable } from '../report.js';
import type { HandlerKind } from './peer.js';
import { INTEROP_CALLEES, INTEROP_PEERS, LOCAL_PEERS, NATS_PEERS } from './peers/index.js';

/** How long and how often each peer is measured. */
export interface CallBenchOptions {
  readonly ms: number;
  readonly rounds: number;
}

/** Concurrent callers, in the measurements over NATS. */
const CALLERS = [1, 64] as const;

/**
 * Measures calls of every peer, each in separate processes, round by round, so that a drift of the machine affects all
 * of them.
 */
export async function benchCalls(options: CallBenchOptions): Promise<Row[]> {
  const rows: Row[] = [];
  for (const handler of ['sync', 'async'] as const) rows.push(...(await benchLocal(handler, options)));
  const broker = await startBroker();
  try {
    for (const callers of CALLERS) rows.push(...(await benchNats(callers, broker, options)));
  } finally {
    await broker.stop();
  }
  return rows;
}

async function benchLocal(handler: HandlerKind, { ms, rounds }: CallBenchOptions): Promise<Row[]> {
  const title =
    handler === 'sync' ? 'in one process, the handler answers at once' : 'in one process, the handler is async';
  const results = await eachRound([...LOCAL_PEERS.keys()], rounds, (name) =>
    measure(['local', handler, name, String(ms)]),
  );
  return printTable(title, 'µs a call', results, (perSecond) => 1e6 / perSecond, 'Fledge, local');
}

async function benchNats(callers: number, broker: Broker, { ms, rounds }: CallBenchOptions): Promise<Row[]> {
  const results = await eachRound([...NATS_PEERS.keys()], rounds, (name) =>
    withServer(name, broker, () => measure(['call', name, broker.url, String(callers), String(ms)])),
  );
  return printTable(
    `over NATS, ${callers} caller${callers > 1 ? 's' : ''}`,
    'calls a second',
    results,
    (perSecond) => perSecond,
    'Fledge, nats',
  );
}

/** Measures calls between clients of Nest and modules, beside stock Nest on both sides. */
export async function benchInterop({ ms, rounds }: CallBenchOptions): Promise<Row[]> {
  const callers = CALLERS[1];
  const broker = await startBroker();
  try {
    const results = await withServer(INTEROP_CALLEES, broker, () =>
      eachRound([...INTEROP_PEERS.keys()], rounds, (name) =>
        measure(['call', name, broker.url, String(callers), String(ms)]),
      ),
    );
    const title = `clients of Nest over NATS, ${callers} callers`;
    return printTable(title, 'calls a second', results, (perSecond) => perSecond, 'FledgeClient to a module');
  } finally {
    await broker.stop();
  }
}

/** Runs work while a process serves a peer. */
async function withServer<T>(name: string, broker: Broker, work: () => Promise<T>): Promise<T> {
  const server = start(['serve', name, broker.url]);
  try {
    await messageOf(server, `the server of ${name}`);
    return await work();
  } finally {
    await kill(server, 'SIGKILL');
  }
}

async function eachRound(
  names: readonly string[],
  rounds: number,
  run: (name: string) => Promise<number>,
): Promise<Map<string, number>> {
  const results = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) results.get(name)?.push(await run(name));
  }
  return new Map([...results].map(([name, values]) => [name, median(values)]));
}

async function measure(words: readonly string[]): Promise<number> {
  const { perSecond } = await messageOf<{ perSecond: number }>(start(words), 'a measured process');
  return perSecond;
}

function start(words: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL('./peer.main.js', import.meta.url)), words, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { usageOf } from '../shop/process-tree.js';
import { ask, takenBy } from './pipe-processes.js';
import type { ProduceOptions } from './produce.js';

/** How much to publish. */
export interface DriveOptions {
  /** As fast as possible. */
  readonly events: number;
  /** Then this many per second, for this time. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Then this many one by one, each after a pause. */
  readonly singles: number;
  readonly pauseMs: number;
  readonly keys: number;
  readonly perTransaction: number;
  readonly bytes?: number;
}

/**
 * The processes that publish and handle; the usage of one of the bench's own servers, named by `broker`, is counted
 * separately.
 */
export interface Pipe {
  readonly source: ChildProcess;
  /** The replicas of the consumer. */
  readonly sinks: readonly ChildProcess[];
  readonly children: readonly ChildProcess[];
  readonly broker: string;
  /** How often each event is handled; default 1. */
  readonly consumers?: number;
}

/** How events went through a pipe. */
export interface Driven {
  /** From the publisher's first commit to the handler's last commit. */
  readonly perSecond: number;
  /** Processor time per event meanwhile: of the processes, of PostgreSQL, and of the broker. */
  readonly cpuMicros: number;
  readonly postgresMicros: number;
  readonly brokerMicros: number;
  /** The delay of an event's handler, at a steady rate. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The delay with nothing before it. */
  readonly idleP50Ms: number;
  readonly unordered: number;
  /** Handled, and published. */
  readonly committed: number;
  readonly all: number;
}

const STALLED_MS = 60_000;

/**
 * Sends events through a pipe: to warm it up, as fast as possible, at a steady rate, and one by one. Rejects if none is
 * handled for a minute.
 */
export async function drive(
  pipe: Pipe,
  { events, perSecond, seconds, singles, pauseMs, ...each }: DriveOptions,
): Promise<Driven> {
  const { sinks, consumers = 1 } = pipe;
  let all = 0;
  const send = async (options: Pick<ProduceOptions, 'events' | 'perTransaction' | 'perSecond'>): Promise<void> => {
    all += options.events * consumers;
    await produce(pipe, { ...each, ...options }, all);
  };
  await send({ events: Math.ceil(events / 10), perTransaction: each.perTransaction });
  const before = await used(pipe);
  const start = performance.now();
  await send({ events, perTransaction: each.perTransaction });
  const tookMs = performance.now() - start;
  const after = await used(pipe);
  await lags(sinks);
  await send({ events: perSecond * seconds, perTransaction: 1, perSecond });
  const steady = await lags(sinks);
  for (let single = 0; single < singles; single++) {
    await delay(pauseMs);
    await send({ events: 1, perTransaction: 1 });
  }
  const idle = await lags(sinks);
  const { committed, wrong } = await takenByAll(sinks);
  const micros = (of: keyof Used): number => ((after[of] - before[of]) * 1e6) / events;
  return {
    perSecond: (events / tookMs) * 1_000,
    cpuMicros: micros('processes'),
    postgresMicros: micros('postgres'),
    brokerMicros: micros('broker'),
    p50Ms: at(steady, 0.5),
    p99Ms: at(steady, 0.99),
    idleP50Ms: at(idle, 0.5),
    unordered: wrong,
    committed,
    all,
  };
}

interface Used {
  readonly processes: number;
  readonly postgres: number;
  readonly broker: number;
}

async function used({ children, broker }: Pipe): Promise<Used> {
  let sum = 0;
  for (const child of children) sum += (await usageOf(child.pid as number)).cpuSeconds;
  return {
    processes: sum,
    postgres: (await usageOf(process.pid, 'postgres')).cpuSeconds,
    broker: (await usageOf(process.pid, broker)).cpuSeconds,
  };
}

/** Publishes, and waits until the handler has handled everything. */
async function produce({ source, sinks }: Pipe, options: ProduceOptions, upTo: number): Promise<void> {
  await ask(source, { produce: options });
  let last = { at: performance.now(), committed: -1 };
  for (;;) {
    const { committed } = await takenByAll(sinks);
    if (committed >= upTo) return;
    if (committed > last.committed) last = { at: performance.now(), committed };
    if (performance.now() - last.at > STALLED_MS)
      throw new Error(`${committed} of ${upTo} events were handled, and none within ${STALLED_MS} ms`);
    await delay(options.events === 1 ? 2 : 20);
  }
}

async function takenByAll(
  sinks: readonly ChildProcess[],
): Promise<{ readonly committed: number; readonly wrong: number }> {
  const all = await Promise.all(sinks.map(takenBy));
  return {
    committed: all.reduce((sum, { committed }) => sum + committed, 0),
    wrong: all.reduce((sum, { wrong }) => sum + wrong, 0),
  };
}

async function lags(sinks: readonly ChildProcess[]): Promise<readonly number[]> {
  const all = (await Promise.all(sinks.map((sink) => ask(sink, { lags: true })))) as (readonly number[])[];
  return all.flat().sort((a, b) => a - b);
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

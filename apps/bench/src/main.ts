import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { type BenchName, type BenchOptions, benchOptions, UsageError } from './bench-options.js';
import { benchCalls, benchInterop } from './call/call-bench.js';
import { benchCheckout } from './checkout/checkout-bench.js';
import type { CheckoutRow } from './checkout/checkout-row.js';
import { benchIdle } from './cost/idle-bench.js';
import { benchOrder, type OrderRow } from './cost/order-bench.js';
import type { DbosRow } from './checkout/dbos-bench.js';
import { type BacklogRow, benchBacklog } from './events/backlog-bench.js';
import { benchEvents, type EventsRow } from './events/events-bench.js';
import { benchScale, type ScaleRow } from './events/scale-bench.js';
import { benchHttp } from './http/http-bench.js';
import { benchShop } from './shop/shop-bench.js';
import { benchStart } from './start/start-bench.js';

const { what, short, json, against, scale: scales } = options();

const BENCHES: Readonly<Record<BenchName, () => Promise<void>>> = {
  backlog: async () => saveSound(await benchBacklog(short ? 5_000 : 1_000_000)),
  calls: async () => save(await benchCalls(short ? { ms: 200, rounds: 1 } : { ms: 2_000, rounds: 5 })),
  checkout: async () =>
    saveSound(
      await benchCheckout(short ? { seconds: 1, perSecond: 4, buyers: 4 } : { seconds: 20, perSecond: 5, buyers: 32 }),
    ),
  events: async () =>
    scales
      ? scale()
      : saveSound(
          await benchEvents(
            short
              ? { peers: 'once', events: 200, perSecond: 100, seconds: 1, singles: 2, pauseMs: 100 }
              : { peers: 'both', events: 50_000, perSecond: 1_000, seconds: 20, singles: 12, pauseMs: 1_500 },
          ),
        ),
  idle: async () => save(await benchIdle({ seconds: short ? 2 : 30, rounds: short ? 1 : 2, against })),
  interop: async () => save(await benchInterop(short ? { ms: 200, rounds: 1 } : { ms: 2_000, rounds: 5 })),
  order: async () =>
    saveSound(await benchOrder({ seconds: short ? 3 : 30, perSecond: 2.5, rounds: short ? 1 : 2, against })),
  http: async () =>
    save(await benchHttp(short ? { ms: 700, rounds: 1, connections: 16 } : { ms: 2_000, rounds: 15, connections: 16 })),
  start: async () =>
    save(await benchStart(short ? { modules: ['catalog'], rounds: 1, idleMs: 500 } : { rounds: 7, idleMs: 30_000 })),
  shop: async () => save(await benchShop(short ? { seconds: 3, perSecond: 50 } : { seconds: 30, perSecond: 200 })),
};

process.stdout.write(
  `Node ${process.version}, ${cpus().length} processors, ${cpus()[0]?.model ?? 'unknown'}${short ? '; too short to compare, only to see that it runs' : ''}\n`,
);
await BENCHES[what]();

/** Ends the process with 2 when the command line is wrong. */
function options(): BenchOptions {
  try {
    return benchOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`bench: ${error.message}\n`);
    process.exit(2);
  }
}

async function scale(): Promise<void> {
  const each = { keys: 1_000, perTransaction: 20, singles: 0, pauseMs: 0, short };
  await saveSound(
    await benchScale(
      short
        ? { ...each, events: 100, perSecond: 50, seconds: 1, idleSeconds: 1 }
        : { ...each, events: 10_000, perSecond: 200, seconds: 5, idleSeconds: 5 },
    ),
  );
}

async function save(rows: unknown): Promise<void> {
  await mkdir(dirname(json), { recursive: true });
  await writeFile(
    json,
    `${JSON.stringify({ node: process.version, at: new Date().toISOString(), what, short, rows }, undefined, 2)}\n`,
  );
  process.stdout.write(`\nwritten to ${json}\n`);
}

/** A speed at which events or orders are lost, handled twice or charged twice is worthless: the run fails. */
async function saveSound(
  rows: readonly (BacklogRow | CheckoutRow | DbosRow | EventsRow | OrderRow | ScaleRow)[],
): Promise<void> {
  await save(rows);
  if (rows.some((row) => ('broken' in row ? row.broken.length : row.wrong) > 0)) process.exitCode = 1;
}

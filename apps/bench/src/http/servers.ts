import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '@fledge/kit';
import { freePort } from '@fledge/kit/operations';
import { ShopClient } from '../shop/shop-client.js';

/** A process that serves the catalog. */
export interface Server {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
}

const FLEDGE = 'Fledge';
const STOCK = 'stock Nest';
/** Connections of each pool: what a module of the shop has, since its topology says nothing else. */
const POOL_MAX = 10;
const READY_WITHIN_MS = 120_000;
const POLL_MS = 100;

/**
 * Runs the shop as one process, and the stock application beside it on the same PostgreSQL, for as long as `work`
 * takes.
 * @param work is given the stock application, then the shop, and the ids of the products that both serve.
 */
export async function withServers<T>(
  work: (servers: readonly [stock: Server, fledge: Server], products: readonly string[]) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'fledge-bench-'));
  const postgres = await startEmbeddedPostgres({ dir: join(dir, 'postgres'), persistent: false });
  const started: ChildProcess[] = [];
  try {
    const port = await freePort();
    const shop = start('../../../shop/src/main.js', ['--topology', 'config/monolith.yaml'], {
      PORT: String(port),
      DATABASE_URL: postgres.url,
      FLEDGE_DEMO: 'true',
    });
    started.push(shop);
    const products = await stocked(new ShopClient(`http://127.0.0.1:${port}`), shop);
    const stock = start('./stock.main.js', [postgres.url, String(POOL_MAX)], {});
    started.push(stock);
    const [stockPort] = (await orEnded(once(stock, 'message'), stock)) as [number];
    return await work(
      [
        { name: STOCK, pid: stock.pid as number, port: stockPort },
        { name: FLEDGE, pid: shop.pid as number, port },
      ],
      products,
    );
  } finally {
    for (const child of started) await end(child);
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

function start(main: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return fork(fileURLToPath(new URL(main, import.meta.url)), args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** Waits for the demonstration's products; gives their ids. */
async function stocked(client: ShopClient, child: ChildProcess): Promise<string[]> {
  const until = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const ids = await client.productIds().catch(() => []);
    if (ids.length > 0) return ids;
    if (child.exitCode !== null) throw new Error(`the shop ended with ${child.exitCode} before it was ready`);
    if (performance.now() > until) throw new Error(`the shop was not ready within ${READY_WITHIN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function orEnded<T>(answer: Promise<T>, child: ChildProcess): Promise<T> {
  return Promise.race([
    answer,
    once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`a server ended with ${String(code)} before it was ready`)),
    ),
  ]);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

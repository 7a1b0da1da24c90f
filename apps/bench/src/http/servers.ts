import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '@fledge/kit';
import { freePort } from '@fledge/kit/operations';
import { kill, messageOf, whenReady } from '../child-process.js';
import { ShopClient } from '../shop/shop-client.js';

/** A process that serves the catalog. */
export interface Server {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
}

const FLEDGE = 'Fledge';
const STOCK = 'stock Nest';
/** Connections of each pool: the same as a module of the shop, whose topology file sets none. */
const POOL_MAX = 10;

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
    const stockPort = await messageOf<number>(stock, 'the stock application');
    return await work(
      [
        { name: STOCK, pid: stock.pid as number, port: stockPort },
        { name: FLEDGE, pid: shop.pid as number, port },
      ],
      products,
    );
  } finally {
    for (const child of started) await kill(child, 'SIGTERM');
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
function stocked(client: ShopClient, child: ChildProcess): Promise<string[]> {
  return whenReady(child, 'the shop', async () => {
    const ids = await client.productIds().catch(() => []);
    return ids.length > 0 ? ids : undefined;
  });
}

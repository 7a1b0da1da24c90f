import pg from 'pg';

interface Client {
  release(): void;
}
interface Pool {
  readonly options: { readonly max?: number };
  connect(): Promise<Client>;
}

const pools = new Set<WeakRef<Pool>>();

/** Keeps track of every pool that this process opens. */
export function watchPools(): void {
  const prototype = pg.Pool.prototype as unknown as Record<'connect', (...args: unknown[]) => unknown>;
  const connect = prototype.connect;
  const seen = new WeakSet<object>();
  prototype.connect = function watched(this: Pool, ...args: unknown[]): unknown {
    if (!seen.has(this)) {
      seen.add(this);
      pools.add(new WeakRef(this));
    }
    return connect.apply(this, args);
  };
}

/** Takes all connections of all pools, holds them for a time, and returns them. Resolves to the number of pools. */
export async function exhaustPools(ms: number): Promise<number> {
  const open = [...pools].flatMap((ref) => ref.deref() ?? []);
  const taken = await Promise.all(
    open.flatMap((pool) => Array.from({ length: pool.options.max ?? 10 }, () => pool.connect().catch(() => undefined))),
  );
  await new Promise((resolve) => setTimeout(resolve, ms));
  for (const client of taken) client?.release();
  return open.length;
}

import type { Buyer, ShopClient } from './shop-client.js';

/** The results of a load. */
export interface LoadResult {
  readonly answered: number;
  readonly failed: number;
  /** The first failure, to print. */
  readonly failure: string | undefined;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Who sends which requests. */
export interface LoadPlan {
  readonly client: ShopClient;
  readonly buyers: readonly Buyer[];
  readonly products: readonly string[];
  readonly seconds: number;
  readonly perSecond: number;
}

/** The mix per hundred requests: 50 lists and searches, 20 products, 10 carts, 10 added to a cart, 10 orders. */
function nextRequest({ client, buyers, products }: LoadPlan, n: number): () => Promise<unknown> {
  const buyer = buyers[n % buyers.length] as Buyer;
  const product = products[(n * 7) % products.length] as string;
  const { token } = buyer;
  const kind = n % 10;
  if (kind < 3) return () => client.request('GET', '/products?limit=20');
  if (kind < 5) return () => client.request('GET', '/products?q=steel&limit=20');
  if (kind < 7) return () => client.request('GET', `/products/${product}`);
  if (kind === 7) return () => client.request('GET', '/cart', { token });
  if (kind === 8)
    return () => client.request('POST', '/cart/items', { token, body: { productId: product, quantity: 1 } });
  // A cart may be empty because another request of the buyer has just ordered it, and stock runs out: both are valid
  // answers.
  return () => client.request('POST', '/orders', { token, body: {}, expect: [201, 409, 400, 422] });
}

/**
 * Sends requests at a steady rate, whether or not earlier ones have been answered, so that a stall shows in the
 * durations.
 */
export async function load(plan: LoadPlan): Promise<LoadResult> {
  const times: number[] = [];
  const failures: string[] = [];
  const pending = new Set<Promise<void>>();
  const from = performance.now();
  const total = plan.seconds * plan.perSecond;
  for (let n = 0; n < total; n++) {
    const due = from + (n * 1_000) / plan.perSecond;
    const wait = due - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    const request = nextRequest(plan, n)()
      .then(
        () => void times.push(performance.now() - due),
        (error: Error) => void failures.push(error.message),
      )
      .finally(() => pending.delete(request));
    pending.add(request);
  }
  await Promise.all(pending);
  const seconds = (performance.now() - from) / 1_000;
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? NaN;
  return {
    answered: times.length,
    failed: failures.length,
    failure: failures[0],
    perSecond: times.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

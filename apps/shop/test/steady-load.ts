import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@fledge/kit/testing';
import { Shop } from './journeys/shop.js';

/** Buyers that order concurrently, each with a separate cart. */
const BUYERS = 8;
/** Modest, for two processors that also run a database, a broker and eight services that start and stop. */
const PER_SECOND = 25;
/** Requests sent at once, so that each replica certainly has some in progress. */
const BURST = 30;
const GOES_ON_WITHIN_MS = 20_000;
/** How often and how long to retry a request that an overloaded process refused. */
const ASK_AGAIN_MS = 1_000;
const PATIENCE_MS = 20_000;

/** A steady mix of reads and writes against a shop; records every unexpected answer. */
export class SteadyLoad {
  readonly failures: string[] = [];
  answered = 0;
  private readonly pending = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private sent = 0;

  private constructor(
    private readonly shop: Shop,
    private readonly buyers: readonly string[],
    private readonly productId: string,
  ) {}

  /** Prepares buyers and a product with plenty of stock, and begins. */
  static async start(url: string): Promise<SteadyLoad> {
    const shop = new Shop(url);
    const staff = await shop.staff();
    await shop.expect(201, 'POST', '/categories', { token: staff, body: { id: 'load', name: 'Load' } });
    const productId = await shop.product(
      staff,
      { sku: 'LOAD-1', name: 'Plenty', priceMinor: 100, categoryId: 'load' },
      100_000,
    );
    const buyers: string[] = [];
    for (let i = 0; i < BUYERS; i++) buyers.push(await shop.newBuyer(`steady-${i}@load.test`));
    const load = new SteadyLoad(shop, buyers, productId);
    load.timer = setInterval(() => void load.send(), 1_000 / PER_SECOND);
    return load;
  }

  /** Waits until this many more requests have been answered, which shows that the load has continued. */
  goOn(requests: number): Promise<void> {
    const until = this.answered + requests;
    const check = (): void => {
      if (this.answered < until)
        throw new Error(
          `${this.answered} answered, ${this.failures.length} failed: ${this.failures.slice(-1).join('')}`,
        );
    };
    return eventually(check, `${requests} more answers`, GOES_ON_WITHIN_MS);
  }

  /** Sends many requests at once; resolves at the first answer, while the others are under way. */
  async burst(): Promise<void> {
    await Promise.race(Array.from({ length: BURST }, () => this.send()));
  }

  /** Ends the load and waits for its last answers. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
  }

  private send(): Promise<void> {
    this.shop.transcript.length = 0;
    const n = this.sent++;
    const request = this.patiently(n)
      .then(
        () => void this.answered++,
        (error: Error) =>
          void this.failures.push(
            error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message,
          ),
      )
      .finally(() => this.pending.delete(request));
    this.pending.add(request);
    return request;
  }

  /** Repeats what an overloaded process refused at once: its answer says that nothing was done. */
  private async patiently(n: number): Promise<unknown> {
    for (const until = performance.now() + PATIENCE_MS; ; await sleep(ASK_AGAIN_MS)) {
      try {
        return await this.next(n);
      } catch (error) {
        if (performance.now() > until || !String(error).includes('fledge.overloaded')) throw error;
      }
    }
  }

  private next(n: number): Promise<unknown> {
    const token = this.buyers[n % BUYERS];
    switch (n % 5) {
      case 0:
        return this.shop.expect(200, 'GET', '/products?limit=5');
      case 1:
        return this.shop.expect(200, 'GET', '/users/me', { token });
      case 2:
        return this.shop.expect(200, 'GET', '/cart', { token });
      case 3:
        return this.shop.expect(200, 'GET', `/products/${this.productId}`);
      default:
        return this.buy(token, n);
    }
  }

  /**
   * Puts something into the cart and orders it; an empty cart, which another request of the buyer has just ordered, is
   * a valid answer.
   */
  private async buy(token: string | undefined, n: number): Promise<void> {
    const added = await this.shop.request('POST', '/cart/items', {
      token,
      body: { productId: this.productId, quantity: 1 },
    });
    // A cart holds at most 99 of one product: only one that is never ordered gets there.
    if (added.status !== 201) throw new Error(`the cart answered ${added.status}: ${JSON.stringify(added.body)}`);
    const ordered = await this.shop.request('POST', '/orders', {
      token,
      body: {},
      headers: { 'idempotency-key': `steady ${n}` },
    });
    const type = (ordered.body as { type?: string }).type ?? '';
    const answered =
      ordered.status === 201 ||
      (ordered.status === 409 && /empty-cart|order-in-progress|request-in-flight|cart-changed/.test(type));
    if (!answered) throw new Error(`the order was answered ${ordered.status}: ${JSON.stringify(ordered.body)}`);
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { DEMO_SKU_PREFIX, ListProducts, type ProductView } from '@shop/catalog/contract';
import { Receiving } from '../receive-stock/receiving.js';
import { InventorySettings } from '../settings.js';
import { StockRepository } from '../storage/stock.repository.js';

/** Units of each product in the demo shop. */
const QUANTITY = 100;
const PAGE = 200;
const WAIT_FIRST_MS = 250;
const WAIT_MAX_MS = 5_000;

/**
 * With the setting `demo`: receives some of each demo product that never had stock, in the background, once catalog
 * answers. Replicas may do it concurrently: the demo delivery of a product has a fixed reference, so it is received
 * once.
 */
@Injectable()
export class DemoStock implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DemoStock.name);
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly settings: InventorySettings,
    private readonly queries: QueryBus,
    private readonly receiving: Receiving,
    private readonly stock: StockRepository,
  ) {}

  onApplicationBootstrap(): void {
    if (this.settings.demo) this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let waitMs = WAIT_FIRST_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, WAIT_MAX_MS)) {
      try {
        if (await this.fill()) return;
      } catch (error) {
        if (signal.aborted) return;
        // Catalog starts at the same time, so log only a lasting failure.
        if (waitMs === WAIT_MAX_MS)
          this.logger.warn(
            `The demonstration stock waits for catalog: ${error instanceof Error ? error.message : String(error)}`,
          );
      }
      // Rejects when the module stops; the condition of the loop ends it.
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** One walk through the catalog; false if it is empty, as it may not be seeded yet. */
  private async fill(): Promise<boolean> {
    let afterId: string | undefined;
    let products = 0;
    let filled = 0;
    for (;;) {
      const page = await this.queries.execute(
        new ListProducts({ ...(afterId !== undefined && { afterId }), limit: PAGE }),
      );
      if (this.stopping.signal.aborted) return true;
      products += page.length;
      filled += await this.fillPage(page.filter((product) => product.sku.startsWith(DEMO_SKU_PREFIX)));
      afterId = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
    if (filled > 0) this.logger.log(`Received ${QUANTITY} each of ${filled} demonstration products`);
    return products > 0;
  }

  private async fillPage(products: readonly ProductView[]): Promise<number> {
    if (products.length === 0) return 0;
    const productIds = products.map((product) => product.id);
    const stocked = new Set((await this.stock.findAll(productIds)).map((stock) => stock.productId));
    const receivedAt = new Date();
    const missing = productIds
      .filter((id) => !stocked.has(id))
      .map((productId) => ({ reference: `demo:${productId}`, productId, quantity: QUANTITY, receivedAt }));
    return missing.length === 0 ? 0 : this.receiving.receive(missing);
  }
}

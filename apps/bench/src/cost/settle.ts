import { setTimeout as delay } from 'node:timers/promises';
import type { ShopTables } from '../checkout/shop-tables.js';
import { between, type CostMeter } from './cost-meter.js';

const SETTLED_WITHIN_MS = 120_000;
const POLL_MS = 500;
/**
 * Two consecutive readings that differ by less than a quarter, or by less than this many transactions per second, count
 * as equal.
 */
const SAME_PER_SECOND = 5;

/**
 * Waits until a started shop has nothing left to do: every message is handled, and the transactions per second are
 * equal in two consecutive readings of `lookMs` each. Rejects after two minutes.
 */
export async function settle(tables: ShopTables, meter: CostMeter, lookMs: number): Promise<void> {
  const until = performance.now() + SETTLED_WITHIN_MS;
  const over = (what: string): void => {
    if (performance.now() > until) throw new Error(`${what} ${SETTLED_WITHIN_MS} ms after the shop was ready`);
  };
  let last = Number.NaN;
  for (;;) {
    while (!(await tables.isAtRest())) {
      over('messages were still on their way');
      await delay(POLL_MS);
    }
    const from = await meter.read();
    await delay(lookMs);
    const { transactions, seconds } = between(from, await meter.read());
    const perSecond = transactions / seconds;
    if (Math.abs(perSecond - last) <= Math.max(SAME_PER_SECOND, perSecond / 4)) return;
    over(`the transactions a second had not become steady (${last.toFixed(1)}, then ${perSecond.toFixed(1)})`);
    last = perSecond;
  }
}

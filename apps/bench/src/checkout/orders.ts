import { setTimeout as delay } from 'node:timers/promises';
import type { Buyer, ShopClient } from '../shop/shop-client.js';
import type { ShopTables } from './shop-tables.js';

/** An order that was confirmed to a buyer as placed. */
export interface Placed {
  readonly id: string;
  /**
   * When its buyer wanted to send it, in milliseconds since 1970: before the request, and before any wait for a free
   * buyer.
   */
  readonly fromMs: number;
  /** When the answer arrived. */
  readonly answeredMs: number;
}

/** The result of placing orders. */
export interface Placing {
  readonly placed: readonly Placed[];
  /** Requests with another answer, or none. */
  readonly refused: readonly string[];
}

/** Who buys what. */
export interface Market {
  readonly client: ShopClient;
  readonly buyers: readonly Buyer[];
  readonly products: readonly string[];
}

/** A card that is approved at once. */
const PAYMENT_METHOD = 'pm_card_approved';

const STOCKED_WITHIN_MS = 60_000;
const POLL_MS = 200;

/** Creates this many buyers, once every category has products. */
export async function openMarket(client: ShopClient, tables: ShopTables, number: number): Promise<Market> {
  const products = await client.productIds();
  const until = performance.now() + STOCKED_WITHIN_MS;
  while ((await tables.stocked(products)).length < products.length) {
    if (performance.now() > until)
      throw new Error(`the demonstration's products had no stock within ${STOCKED_WITHIN_MS} ms`);
    await delay(POLL_MS);
  }
  const buyers: Buyer[] = [];
  for (let i = 0; i < number; i++) buyers.push(await client.buyer(i));
  return { client, buyers, products };
}

/** All buyers order one after the other, as fast as they are answered. */
export async function saturate(market: Market, seconds: number): Promise<Placing> {
  const placing = { placed: [] as Placed[], refused: [] as string[] };
  const until = performance.now() + seconds * 1_000;
  let number = 0;
  await Promise.all(
    market.buyers.map(async (buyer) => {
      while (performance.now() < until) await order(market, buyer, number++, 0, placing);
    }),
  );
  return placing;
}

/** Places orders at a steady rate, each by a free buyer, whether or not earlier ones have been answered. */
export async function placeSteadily(
  market: Market,
  { seconds, perSecond }: { readonly seconds: number; readonly perSecond: number },
): Promise<Placing> {
  const placing = { placed: [] as Placed[], refused: [] as string[] };
  const free = [...market.buyers];
  const busy = new Set<Promise<void>>();
  const start = performance.now();
  for (let number = 0; number < seconds * perSecond; number++) {
    const due = start + (number * 1_000) / perSecond;
    const early = due - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    while (free.length === 0) await Promise.race(busy);
    const buyer = free.shift() as Buyer;
    const one = order(market, buyer, number, performance.now() - due, placing).finally(() => {
      busy.delete(one);
      free.push(buyer);
    });
    busy.add(one);
  }
  await Promise.all(busy);
  return placing;
}

async function order(
  { client, products }: Market,
  { token }: Buyer,
  number: number,
  lateMs: number,
  { placed, refused }: { placed: Placed[]; refused: string[] },
): Promise<void> {
  const productId = products[(number * 7) % products.length];
  try {
    await client.request('POST', '/cart/items', { token, body: { productId, quantity: 1 } });
    const fromMs = Date.now() - lateMs;
    const { id } = (await client.request('POST', '/orders', { token, body: { paymentMethod: PAYMENT_METHOD } })) as {
      id: string;
    };
    placed.push({ id, fromMs, answeredMs: Date.now() });
  } catch (error) {
    refused.push(error instanceof Error ? error.message : String(error));
  }
}

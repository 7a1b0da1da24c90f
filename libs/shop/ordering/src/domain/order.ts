import { ItemUnavailable, MixedCurrencies, type OrderState } from '../../contract/index.js';
import type { CartLine } from './cart.js';

/** So many of one product, as it was when it was ordered. */
export interface OrderLine {
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  /** Minor units of the order's currency. */
  readonly unitPriceMinor: number;
  readonly quantity: number;
}

/** Something that happened to an order. */
export interface OrderStep {
  readonly at: Date;
  /** The name of the state, or a few words for people. */
  readonly what: string;
  /** The state that it came to, if it is that. */
  readonly state: OrderState | undefined;
  /** Why it came to the state, if it went wrong. */
  readonly reason: string | undefined;
}

/** An order. */
export interface Order {
  readonly id: string;
  readonly userId: string;
  readonly state: OrderState;
  readonly currency: string;
  /** Minor units. */
  readonly totalMinor: number;
  readonly lines: readonly OrderLine[];
  readonly createdAt: Date;
  /** Milliseconds that the request had which began it. */
  readonly placingMs: number;
  /** When it was placed; never, for one that could not be. */
  readonly placedAt: Date | undefined;
  /** As payments knows it; without one the order stays placed. */
  readonly paymentMethod: string | undefined;
  /** The first first. */
  readonly history: readonly OrderStep[];
}

/**
 * Milliseconds that an order may be in `placing` when its request has no end, or a replica of the version before stored
 * it.
 */
export const PLACING_DEFAULT_MS = 10_000;

/**
 * Whether the request that began an order must have ended. Ages count in both directions: a clock that is set back must
 * not keep the user from ordering.
 */
export function isLeftBehind({ createdAt, placingMs }: Pick<Order, 'createdAt' | 'placingMs'>, at: number): boolean {
  return Math.abs(at - createdAt.getTime()) >= placingMs;
}

/** What an order is made of. */
export type PricedLines = Pick<Order, 'currency' | 'totalMinor' | 'lines'>;

/** What pricing needs to know of a product. */
export interface PricedProduct {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly active: boolean;
}

/** Prices the lines of a cart by the products of today. Throws `ItemUnavailable` or `MixedCurrencies`. */
export function priceLines(lines: readonly CartLine[], products: readonly PricedProduct[]): PricedLines {
  const byId = new Map(products.map((product) => [product.id, product]));
  let currency: string | undefined;
  let totalMinor = 0;
  const priced = lines.map(({ productId, quantity }): OrderLine => {
    const product = byId.get(productId);
    if (!product?.active) throw new ItemUnavailable({ productId });
    currency ??= product.currency;
    if (product.currency !== currency)
      throw new MixedCurrencies({ productId, currency: product.currency, cartCurrency: currency });
    totalMinor += product.priceMinor * quantity;
    return { productId, sku: product.sku, name: product.name, unitPriceMinor: product.priceMinor, quantity };
  });
  if (currency === undefined) throw new Error('an order needs at least one line');
  return { currency, totalMinor, lines: priced };
}

/** The states that each state may lead to. A rejected order may turn out to hold stock after all, and then gives
 * it back; one that is being cancelled may turn out to be on its way. */
const NEXT: Readonly<Record<OrderState, readonly OrderState[]>> = {
  placing: ['placed', 'rejected', 'cancelling'],
  placed: ['confirmed', 'cancelling'],
  confirmed: ['shipped', 'cancelling'],
  shipped: ['completed'],
  completed: ['refunding'],
  refunding: ['refunded'],
  refunded: [],
  rejected: ['cancelling'],
  cancelling: ['cancelled', 'shipped'],
  cancelled: [],
};

/** Whether an order may go from one state to another. */
export function mayBecome(from: OrderState, to: OrderState): boolean {
  return NEXT[from].includes(to);
}

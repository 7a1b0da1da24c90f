import { ItemUnavailable, MixedCurrencies, type OrderState } from '../../contract/index.js';
import type { CartLine } from './cart.js';

/** A quantity of one product, with the product's data at the time of the order. */
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
  /** The new state, if the step is one. */
  readonly state: OrderState | undefined;
  /** The reason, if something went wrong. */
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
  /** The time limit of the request that began it, in milliseconds. */
  readonly placingMs: number;
  /** When it was placed; none for one that could not be. */
  readonly placedAt: Date | undefined;
  /** The payment method, as payments knows it; without one the order stays placed. */
  readonly paymentMethod: string | undefined;
  /** Oldest first. */
  readonly history: readonly OrderStep[];
}

/**
 * How long an order may be in `placing`, in milliseconds, if its request has no deadline, or a replica of the previous
 * version stored it.
 */
export const PLACING_DEFAULT_MS = 10_000;

/**
 * Whether the request that began an order must have ended. The age counts in both directions: a clock that was set back
 * must not keep the user from ordering.
 */
export function isLeftBehind({ createdAt, placingMs }: Pick<Order, 'createdAt' | 'placingMs'>, at: number): boolean {
  return Math.abs(at - createdAt.getTime()) >= placingMs;
}

/** The data for a new order. */
export type PricedLines = Pick<Order, 'currency' | 'totalMinor' | 'lines'>;

/** What pricing needs to know about a product. */
export interface PricedProduct {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly active: boolean;
}

/** Prices the lines of a cart with the current products. Throws `ItemUnavailable` or `MixedCurrencies`. */
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

/**
 * The states that each state may lead to. A rejected order may turn out to hold stock after all, and then releases it;
 * one that is being cancelled may turn out to be on its way.
 */
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

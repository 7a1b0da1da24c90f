/** Units of one product. Invariant: `available + reserved + sold = received`, and none is negative. */
export interface Stock {
  readonly productId: string;
  /** The total ever received. */
  readonly received: number;
  readonly available: number;
  /** Reserved for orders. */
  readonly reserved: number;
  readonly sold: number;
}

/** How much of one product an order requests. */
export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

/** The most units of one product that can ever be received. */
export const RECEIVED_MAX = 1_000_000_000;

/** The stock of a product that was never received. */
export function noStock(productId: string): Stock {
  return { productId, received: 0, available: 0, reserved: 0, sold: 0 };
}

/** The stock after a delivery; `undefined` if that exceeds `RECEIVED_MAX`. */
export function receive(stock: Stock, quantity: number): Stock | undefined {
  const received = stock.received + quantity;
  return received > RECEIVED_MAX ? undefined : checked({ ...stock, received, available: stock.available + quantity });
}

/** The stock after reserving some for an order; `undefined` if too little is available. */
export function reserve(stock: Stock, quantity: number): Stock | undefined {
  if (quantity > stock.available) return undefined;
  return checked({ ...stock, available: stock.available - quantity, reserved: stock.reserved + quantity });
}

/** The stock after releasing what was reserved for an order. */
export function release(stock: Stock, quantity: number): Stock {
  return checked({ ...stock, available: stock.available + quantity, reserved: stock.reserved - quantity });
}

/** The stock after selling what was reserved for an order. */
export function sell(stock: Stock, quantity: number): Stock {
  return checked({ ...stock, reserved: stock.reserved - quantity, sold: stock.sold + quantity });
}

/** The stock after taking back what was sold to an order. */
export function restock(stock: Stock, quantity: number): Stock {
  return checked({ ...stock, available: stock.available + quantity, sold: stock.sold - quantity });
}

/**
 * One line per product, in the order of product ids: so all orders lock stock in the same order and cannot deadlock,
 * and equal requests compare equal.
 */
export function tidy(lines: readonly Line[]): Line[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of lines) {
    const id = productId.toLowerCase();
    quantities.set(id, (quantities.get(id) ?? 0) + quantity);
  }
  return [...quantities]
    .map(([productId, quantity]) => ({ productId, quantity }))
    .sort((a, b) => (a.productId < b.productId ? -1 : 1));
}

/** Whether two tidy lists are the same. */
export function sameLines(a: readonly Line[], b: readonly Line[]): boolean {
  return (
    a.length === b.length &&
    a.every((line, i) => line.productId === b[i]?.productId && line.quantity === b[i]?.quantity)
  );
}

function checked(stock: Stock): Stock {
  const { productId, received, available, reserved, sold } = stock;
  if (available + reserved + sold !== received || Math.min(received, available, reserved, sold) < 0) {
    throw new Error(
      `the stock of ${productId} does not add up: received ${received}, available ${available}, reserved ${reserved}, sold ${sold}`,
    );
  }
  return stock;
}

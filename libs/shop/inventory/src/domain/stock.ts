/** Units of one product. Always: `available + reserved + sold = received`, and none below zero. */
export interface Stock {
  readonly productId: string;
  /** All that ever came in. */
  readonly received: number;
  readonly available: number;
  /** Kept for orders. */
  readonly reserved: number;
  readonly sold: number;
}

/** How much of one product an order wants. */
export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

/** Units of one product that can ever be received. */
export const RECEIVED_MAX = 1_000_000_000;

/** The stock of a product that never had any. */
export function noStock(productId: string): Stock {
  return { productId, received: 0, available: 0, reserved: 0, sold: 0 };
}

/** The stock after a delivery; `undefined` when that is more than `RECEIVED_MAX`. */
export function receive(stock: Stock, quantity: number): Stock | undefined {
  const received = stock.received + quantity;
  return received > RECEIVED_MAX ? undefined : checked({ ...stock, received, available: stock.available + quantity });
}

/** The stock after some is kept for an order; `undefined` when too little is available. */
export function reserve(stock: Stock, quantity: number): Stock | undefined {
  if (quantity > stock.available) return undefined;
  return checked({ ...stock, available: stock.available - quantity, reserved: stock.reserved + quantity });
}

/** The stock after an order gave back what was kept for it. */
export function release(stock: Stock, quantity: number): Stock {
  return checked({ ...stock, available: stock.available + quantity, reserved: stock.reserved - quantity });
}

/** The stock after what was kept for an order is sold. */
export function sell(stock: Stock, quantity: number): Stock {
  return checked({ ...stock, reserved: stock.reserved - quantity, sold: stock.sold + quantity });
}

/** The stock after an order that was sold came back. */
export function restock(stock: Stock, quantity: number): Stock {
  return checked({ ...stock, available: stock.available + quantity, sold: stock.sold - quantity });
}

/**
 * One line a product, in the order of their ids: so two orders lock stock in the same order and never wait for each
 * other in a circle, and equal wishes look equal.
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

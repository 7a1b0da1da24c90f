import { CartFull, ItemNotInCart, MixedCurrencies, QuantityTooLarge } from '../../contract/index.js';

/** The most lines of a cart. */
export const CART_LINES_MAX = 50;
/** The most units of a line. */
export const LINE_QUANTITY_MAX = 99;

/** How many of one product. */
export interface CartLine {
  readonly productId: string;
  readonly quantity: number;
}

/** The products that a user is about to order. */
export interface Cart {
  /** Counts changes: two carts of one user with the same version are equal. */
  readonly version: number;
  /** The currency of all lines; none while empty. */
  readonly currency: string | undefined;
  readonly lines: readonly CartLine[];
}

/** The cart of a user who never had one. */
export const EMPTY_CART: Cart = { version: 0, currency: undefined, lines: [] };

/** The cart with some more of a product. Throws `QuantityTooLarge`, `CartFull` or `MixedCurrencies`. */
export function addItem(
  cart: Cart,
  product: { readonly id: string; readonly currency: string },
  quantity: number,
): Cart {
  if (cart.currency !== undefined && cart.currency !== product.currency) {
    throw new MixedCurrencies({ productId: product.id, currency: product.currency, cartCurrency: cart.currency });
  }
  const had = cart.lines.find((line) => line.productId === product.id);
  if (had) return setQuantity(cart, product.id, had.quantity + quantity);
  if (cart.lines.length >= CART_LINES_MAX) throw new CartFull({ linesMax: CART_LINES_MAX });
  return changed(cart, product.currency, [
    ...cart.lines,
    { productId: product.id, quantity: allowed(product.id, quantity) },
  ]);
}

/** The cart with a new quantity of a product that is in it. Throws `ItemNotInCart` or `QuantityTooLarge`. */
export function setQuantity(cart: Cart, productId: string, quantity: number): Cart {
  if (!cart.lines.some((line) => line.productId === productId)) throw new ItemNotInCart({ productId });
  allowed(productId, quantity);
  return changed(
    cart,
    cart.currency,
    cart.lines.map((line) => (line.productId === productId ? { productId, quantity } : line)),
  );
}

/** The cart without a product. Throws `ItemNotInCart`. */
export function removeItem(cart: Cart, productId: string): Cart {
  if (!cart.lines.some((line) => line.productId === productId)) throw new ItemNotInCart({ productId });
  return changed(
    cart,
    cart.currency,
    cart.lines.filter((line) => line.productId !== productId),
  );
}

/** The cart without what was ordered; products that were added meanwhile stay. */
export function takeOut(cart: Cart, ordered: readonly CartLine[]): Cart {
  const quantities = new Map(ordered.map((line) => [line.productId, line.quantity]));
  const lines = cart.lines.map((line) => ({
    ...line,
    quantity: line.quantity - (quantities.get(line.productId) ?? 0),
  }));
  return changed(
    cart,
    cart.currency,
    lines.filter((line) => line.quantity > 0),
  );
}

function allowed(productId: string, quantity: number): number {
  if (quantity > LINE_QUANTITY_MAX) throw new QuantityTooLarge({ productId, quantity, quantityMax: LINE_QUANTITY_MAX });
  return quantity;
}

function changed(cart: Cart, currency: string | undefined, lines: readonly CartLine[]): Cart {
  return { version: cart.version + 1, currency: lines.length === 0 ? undefined : currency, lines };
}

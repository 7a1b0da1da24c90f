import { CartFull, ItemNotInCart, MixedCurrencies, QuantityTooLarge } from '../../contract/index.js';
import {
  addItem,
  type Cart,
  CART_LINES_MAX,
  EMPTY_CART,
  LINE_QUANTITY_MAX,
  removeItem,
  setQuantity,
  takeOut,
} from './cart.js';

const chair = { id: 'chair', currency: 'EUR' };
const table = { id: 'table', currency: 'EUR' };
const withChairs = (quantity: number): Cart => addItem(EMPTY_CART, chair, quantity);

describe('addItem', () => {
  it('adds a line, in the currency of the product', () => {
    expect(withChairs(2)).toEqual({ version: 1, currency: 'EUR', lines: [{ productId: 'chair', quantity: 2 }] });
  });

  it('adds to the line that is there', () =>
    expect(addItem(withChairs(2), chair, 3).lines).toEqual([{ productId: 'chair', quantity: 5 }]));

  it('allows the most units of a line, and no more', () => {
    expect(addItem(withChairs(LINE_QUANTITY_MAX - 1), chair, 1).lines[0]?.quantity).toBe(LINE_QUANTITY_MAX);
    expect(() => addItem(withChairs(LINE_QUANTITY_MAX), chair, 1)).toThrow(QuantityTooLarge);
    expect(() => withChairs(LINE_QUANTITY_MAX + 1)).toThrow(QuantityTooLarge);
  });

  it('allows the most lines of a cart, and no more; a line that is there may still grow', () => {
    let cart = EMPTY_CART;
    for (let i = 0; i < CART_LINES_MAX; i++) cart = addItem(cart, { id: `p${i}`, currency: 'EUR' }, 1);
    expect(() => addItem(cart, chair, 1)).toThrow(CartFull);
    expect(addItem(cart, { id: 'p0', currency: 'EUR' }, 1).lines).toHaveLength(CART_LINES_MAX);
  });

  it('refuses a second currency, until the cart is empty', () => {
    const dollars = { id: 'lamp', currency: 'USD' };
    expect(() => addItem(withChairs(1), dollars, 1)).toThrow(MixedCurrencies);
    expect(addItem(removeItem(withChairs(1), 'chair'), dollars, 1).currency).toBe('USD');
  });
});

it('sets a quantity of what is there, and of nothing else', () => {
  expect(setQuantity(withChairs(2), 'chair', 7).lines).toEqual([{ productId: 'chair', quantity: 7 }]);
  expect(() => setQuantity(withChairs(2), 'table', 1)).toThrow(ItemNotInCart);
});

it('removes what is there, and nothing else', () => {
  expect(removeItem(addItem(withChairs(2), table, 1), 'chair').lines).toEqual([{ productId: 'table', quantity: 1 }]);
  expect(() => removeItem(withChairs(2), 'table')).toThrow(ItemNotInCart);
});

it('keeps what was added while the rest was ordered', () => {
  const now = addItem(addItem(withChairs(2), table, 1), chair, 1);
  expect(takeOut(now, [{ productId: 'chair', quantity: 2 }]).lines).toEqual([
    { productId: 'chair', quantity: 1 },
    { productId: 'table', quantity: 1 },
  ]);
  expect(takeOut(withChairs(2), [{ productId: 'chair', quantity: 2 }])).toMatchObject({
    currency: undefined,
    lines: [],
  });
});

it('never takes out more than is there', () =>
  expect(takeOut(withChairs(1), [{ productId: 'chair', quantity: 5 }]).lines).toEqual([]));

it('counts every change', () => expect(takeOut(setQuantity(withChairs(1), 'chair', 2), []).version).toBe(3));

import fc from 'fast-check';
import {
  noStock,
  RECEIVED_MAX,
  receive,
  release,
  reserve,
  restock,
  sameLines,
  sell,
  type Stock,
  tidy,
} from './stock.js';

const ten: Stock = { productId: 'p', received: 15, available: 10, reserved: 3, sold: 2 };

describe('receive', () => {
  it('makes what came in available', () =>
    expect(receive(noStock('p'), 7)).toEqual({ productId: 'p', received: 7, available: 7, reserved: 0, sold: 0 }));

  it('takes as much as may ever be received, and no more', () => {
    expect(receive(ten, RECEIVED_MAX - 15)?.received).toBe(RECEIVED_MAX);
    expect(receive(ten, RECEIVED_MAX - 14)).toBeUndefined();
  });
});

describe('reserve', () => {
  it('keeps some for an order', () => expect(reserve(ten, 4)).toEqual({ ...ten, available: 6, reserved: 7 }));
  it('takes the last one', () => expect(reserve(ten, 10)?.available).toBe(0));
  it('refuses one more than there is', () => expect(reserve(ten, 11)).toBeUndefined());
});

describe('sell', () => {
  it('sells what is reserved, and takes it back', () => {
    expect(sell(ten, 3)).toEqual({ ...ten, reserved: 0, sold: 5 });
    expect(restock(sell(ten, 3), 3)).toEqual({ ...ten, reserved: 0, available: 13 });
  });
  it('never sells what is not reserved, nor takes back what is not sold', () => {
    expect(() => sell(ten, 4)).toThrow('does not add up');
    expect(() => restock(ten, 3)).toThrow('does not add up');
  });
});

describe('release', () => {
  it('undoes a reservation', () => expect(release(reserve(ten, 4) as Stock, 4)).toEqual(ten));
  it('refuses to give back what is not reserved', () => expect(() => release(ten, 4)).toThrow('does not add up'));
});

it('adds up after any row of steps', () => {
  const steps = fc.array(
    fc.record({
      step: fc.constantFrom('receive', 'reserve', 'release', 'sell'),
      quantity: fc.integer({ min: 1, max: 9 }),
    }),
    { maxLength: 60, size: 'max' },
  );
  fc.assert(
    fc.property(steps, (all) => {
      let stock = noStock('p');
      for (const { step, quantity } of all) {
        stock = after(stock, step, quantity);
        expect(stock.available + stock.reserved + stock.sold).toBe(stock.received);
        expect(Math.min(stock.available, stock.reserved, stock.sold)).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});

/** What a step leaves; what it refuses changes nothing. */
function after(stock: Stock, step: 'receive' | 'reserve' | 'release' | 'sell', quantity: number): Stock {
  if (step === 'receive') return receive(stock, quantity) ?? stock;
  if (step === 'reserve') return reserve(stock, quantity) ?? stock;
  if (stock.reserved < quantity) return stock;
  return step === 'release' ? release(stock, quantity) : sell(stock, quantity);
}

describe('tidy', () => {
  it('joins lines of one product and sorts by id', () => {
    expect(
      tidy([
        { productId: 'b', quantity: 1 },
        { productId: 'a', quantity: 2 },
        { productId: 'B', quantity: 3 },
      ]),
    ).toEqual([
      { productId: 'a', quantity: 2 },
      { productId: 'b', quantity: 4 },
    ]);
  });

  it('makes equal wishes look equal', () => {
    const wish = tidy([
      { productId: 'b', quantity: 1 },
      { productId: 'a', quantity: 2 },
    ]);
    expect(
      sameLines(
        wish,
        tidy([
          { productId: 'a', quantity: 2 },
          { productId: 'b', quantity: 1 },
        ]),
      ),
    ).toBe(true);
    expect(sameLines(wish, tidy([{ productId: 'a', quantity: 2 }]))).toBe(false);
    expect(
      sameLines(
        wish,
        tidy([
          { productId: 'a', quantity: 2 },
          { productId: 'b', quantity: 2 },
        ]),
      ),
    ).toBe(false);
  });
});

import { ItemUnavailable, MixedCurrencies, ORDER_STATES } from '../../contract/index.js';
import { mayBecome, type PricedProduct, priceLines } from './order.js';

const product = (id: string, fields: Partial<PricedProduct> = {}): PricedProduct => ({
  id,
  sku: id.toUpperCase(),
  name: `A ${id}`,
  priceMinor: 1_999,
  currency: 'EUR',
  active: true,
  ...fields,
});

describe('priceLines', () => {
  it('takes name and price from the products, and adds up', () => {
    const priced = priceLines(
      [
        { productId: 'chair', quantity: 3 },
        { productId: 'table', quantity: 1 },
      ],
      [product('table', { priceMinor: 50_000 }), product('chair')],
    );
    expect(priced).toEqual({
      currency: 'EUR',
      totalMinor: 3 * 1_999 + 50_000,
      lines: [
        { productId: 'chair', sku: 'CHAIR', name: 'A chair', unitPriceMinor: 1_999, quantity: 3 },
        { productId: 'table', sku: 'TABLE', name: 'A table', unitPriceMinor: 50_000, quantity: 1 },
      ],
    });
  });

  it('adds up the dearest cart without losing a cent', () => {
    const lines = Array.from({ length: 50 }, (_, i) => ({ productId: `p${i}`, quantity: 99 }));
    const { totalMinor } = priceLines(
      lines,
      lines.map((line) => product(line.productId, { priceMinor: 1_000_000_000 })),
    );
    expect(totalMinor).toBe(4_950_000_000_000);
    expect(Number.isSafeInteger(totalMinor)).toBe(true);
  });

  it('refuses what is gone, and what is not on sale', () => {
    expect(() => priceLines([{ productId: 'chair', quantity: 1 }], [])).toThrow(ItemUnavailable);
    expect(() => priceLines([{ productId: 'chair', quantity: 1 }], [product('chair', { active: false })])).toThrow(
      ItemUnavailable,
    );
  });

  it('refuses two currencies', () => {
    const lines = [
      { productId: 'chair', quantity: 1 },
      { productId: 'lamp', quantity: 1 },
    ];
    expect(() => priceLines(lines, [product('chair'), product('lamp', { currency: 'USD' })])).toThrow(MixedCurrencies);
  });
});

describe('mayBecome', () => {
  it('lets an order go only these ways', () => {
    const ways = ORDER_STATES.flatMap((from) =>
      ORDER_STATES.filter((to) => mayBecome(from, to)).map((to) => `${from} → ${to}`),
    );
    expect(ways).toEqual([
      'placing → placed',
      'placing → rejected',
      'placing → cancelling',
      'placed → confirmed',
      'placed → cancelling',
      'rejected → cancelling',
      'confirmed → shipped',
      'confirmed → cancelling',
      'shipped → completed',
      'completed → refunding',
      'refunding → refunded',
      'cancelling → shipped',
      'cancelling → cancelled',
    ]);
  });
});

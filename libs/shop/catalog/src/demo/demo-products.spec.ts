import { DEMO_CATEGORIES, demoProducts } from './demo-products.js';

describe('demoProducts', () => {
  let next = 0;
  const products = demoProducts(() => `id-${next++}`, new Date('2026-01-01T00:00:00Z'));

  it('makes a few hundred', () => {
    expect(products.length).toBeGreaterThanOrEqual(300);
    expect(products.length).toBeLessThan(1_000);
  });

  it.each(['id', 'sku'] as const)('gives each its own %s', (field) =>
    expect(new Set(products.map((p) => p[field])).size).toBe(products.length),
  );

  it('fills every category, and no other', () => {
    expect(new Set(products.map((p) => p.categoryId))).toEqual(new Set(DEMO_CATEGORIES.map((c) => c.id)));
  });

  it('prices all plausibly, in whole minor units', () => {
    for (const { priceMinor } of products)
      expect(Number.isInteger(priceMinor) && priceMinor >= 500 && priceMinor < 100_000).toBe(true);
  });

  it('is the same each time but for ids', () => {
    expect(demoProducts(() => 'x', new Date(0)).map((p) => [p.sku, p.name, p.priceMinor])).toEqual(
      products.map((p) => [p.sku, p.name, p.priceMinor]),
    );
  });
});

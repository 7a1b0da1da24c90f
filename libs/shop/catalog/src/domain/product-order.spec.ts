import { type Direction, isPlaceIn, orderOf, type Place, type Sort } from './product-order.js';

describe('orderOf', () => {
  it.each<[Sort | undefined, Direction | undefined, boolean, string]>([
    [undefined, undefined, false, 'newest desc'],
    [undefined, undefined, true, 'relevance desc'],
    ['name', undefined, false, 'name asc'],
    ['price', undefined, true, 'price asc'],
    ['price', 'desc', false, 'price desc'],
    ['newest', 'asc', false, 'newest asc'],
  ])('takes sort %s, direction %s, search %s for %s', (sort, direction, searching, expected) => {
    const order = orderOf(sort, direction, searching);
    expect(`${order?.sort} ${order?.direction}`).toBe(expected);
  });

  it('refuses relevance without a search, and the least relevant first', () => {
    expect(orderOf('relevance', undefined, false)).toBeUndefined();
    expect(orderOf('relevance', 'asc', true)).toBeUndefined();
  });
});

describe('isPlaceIn', () => {
  const place = (sort: Sort, value: string): Place => ({
    sort,
    direction: 'asc',
    value,
    id: '5f0c0d4e-0000-4000-8000-000000000000',
  });

  it.each<[Sort, string]>([
    ['name', 'Oak Table'],
    ['price', '1990'],
    ['newest', '2026-01-31T10:00:00.123Z'],
    ['relevance', '0.6079271'],
    ['relevance', '1e-20'],
  ])('takes a place by %s at %s', (sort, value) =>
    expect(isPlaceIn({ sort, direction: 'asc' }, place(sort, value))).toBe(true),
  );

  // Each of these would otherwise reach PostgreSQL as a value that it cannot cast: a 500 by a made-up cursor.
  it.each<[Sort, string]>([
    ['name', 'Oak\0'],
    ['price', 'ten'],
    ['price', '99999999999'],
    ['price', '3000000000'],
    ['newest', '2026-13-31T10:00:00.123Z'],
    ['newest', 'now'],
    ['newest', '2024-02-30T00:00:00.000Z'],
    ['newest', '0000-01-01T00:00:00.000Z'],
    ['relevance', '1e-99'],
    ['relevance', 'NaN'],
    ['relevance', ''],
  ])('refuses a made-up place by %s at %j', (sort, value) =>
    expect(isPlaceIn({ sort, direction: 'asc' }, place(sort, value))).toBe(false),
  );

  it('refuses a place of a list in another order', () => {
    expect(isPlaceIn({ sort: 'price', direction: 'asc' }, place('name', 'Oak'))).toBe(false);
    expect(isPlaceIn({ sort: 'price', direction: 'desc' }, place('price', '1'))).toBe(false);
  });
});

import { entriesOf, POSTING_KINDS, type PostingKind } from './ledger.js';

/** What each account holds after these postings of 100. */
function balances(...kinds: PostingKind[]): Record<string, number> {
  const held: Record<string, number> = {};
  for (const { account, amountMinor } of kinds.flatMap((kind) =>
    entriesOf({ kind, amountMinor: 100, currency: 'EUR' }),
  ))
    held[account] = (held[account] ?? 0) + amountMinor;
  return Object.fromEntries(Object.entries(held).filter(([, amount]) => amount !== 0));
}

it.each(POSTING_KINDS)('sums to zero: %s', (kind) => {
  expect(
    entriesOf({ kind, amountMinor: 1_999, currency: 'EUR' }).reduce((sum, entry) => sum + entry.amountMinor, 0),
  ).toBe(0);
});

it('holds what is set aside until it is taken or freed', () => {
  expect(balances('authorise')).toEqual({ authorised: 100, commitments: -100 });
  expect(balances('authorise', 'void')).toEqual({});
  expect(balances('authorise', 'capture')).toEqual({ provider: 100, sales: -100 });
  expect(balances('authorise', 'capture', 'refund')).toEqual({ sales: -100, refunds: 100 });
});

it('posts nothing for nothing, and refuses what is no amount', () => {
  expect(entriesOf({ kind: 'capture', amountMinor: 0, currency: 'EUR' })).toEqual([]);
  for (const amountMinor of [-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1])
    expect(() => entriesOf({ kind: 'capture', amountMinor, currency: 'EUR' })).toThrow(RangeError);
});

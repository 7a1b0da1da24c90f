/**
 * The accounts. A positive amount is a debit, a negative one a credit. `authorised` with its counterpart `commitments`
 * holds what is authorised but not captured; `provider` is what the provider owes us; `sales` is the revenue, `refunds`
 * what was returned of it.
 */
export const ACCOUNTS = ['authorised', 'commitments', 'provider', 'sales', 'refunds'] as const;

/** One of `ACCOUNTS`. */
export type Account = (typeof ACCOUNTS)[number];

/** The kinds of postings: each at most once per order. */
export const POSTING_KINDS = ['authorise', 'void', 'capture', 'refund'] as const;

/** One of `POSTING_KINDS`. */
export type PostingKind = (typeof POSTING_KINDS)[number];

/** An amount that moves between accounts. */
export interface Posting {
  readonly kind: PostingKind;
  readonly amountMinor: number;
  readonly currency: string;
}

/** One side of a posting. */
export interface LedgerEntry {
  readonly account: Account;
  /** Debit positive, credit negative; never 0. */
  readonly amountMinor: number;
  readonly currency: string;
}

const SIDES: Readonly<Record<PostingKind, readonly (readonly [debit: Account, credit: Account])[]>> = {
  authorise: [['authorised', 'commitments']],
  void: [['commitments', 'authorised']],
  // What was authorised is now captured.
  capture: [
    ['commitments', 'authorised'],
    ['provider', 'sales'],
  ],
  refund: [['refunds', 'provider']],
};

/** The entries of a posting, which sum to zero; none for a posting of zero. */
export function entriesOf({ kind, amountMinor, currency }: Posting): LedgerEntry[] {
  if (!Number.isSafeInteger(amountMinor) || amountMinor < 0)
    throw new RangeError(`${amountMinor} cannot be posted: it is no whole number of minor units`);
  if (amountMinor === 0) return [];
  return SIDES[kind].flatMap(([debit, credit]) => [
    { account: debit, amountMinor, currency },
    { account: credit, amountMinor: -amountMinor, currency },
  ]);
}

import type { CancelOutcome } from '@shop/payments/contract';

/** What the history of an order says when its payment is undone. */
export const UNDONE: Readonly<Record<CancelOutcome, string>> = {
  nothing: 'no money was set aside',
  voided: 'the money that was set aside is free again',
  refunded: 'the money that was taken was given back',
};
/** The same for its stock. */
export const STOCK_BACK = 'the stock went back';

import { createHash } from 'node:crypto';
import type { Line, Operation, Outcome } from './book.js';
import { cardOf } from './cards.js';

/** A request to the provider. */
export interface Request {
  readonly operation: Operation;
  readonly key: string;
  readonly reference: string;
  /** For an authorisation: its data. The other operations refer to an authorisation. */
  readonly wish?: Pick<Line, 'orderId' | 'amountMinor' | 'currency' | 'paymentMethod'>;
}

/** The answer to a request: a result, an error without any effect, or the refusal of an invalid request. */
export type Reply =
  | {
      readonly kind: 'result';
      readonly status: 'approved' | 'declined' | 'pending';
      readonly reason?: string;
      readonly delivery: 'at-once' | 'slowly' | 'never';
    }
  | { readonly kind: 'error' }
  | { readonly kind: 'refused'; readonly status: 404 | 409; readonly reason: string };

/** A decision: the answer, and the line to write before it is given. */
export interface Decision {
  readonly reply: Reply;
  readonly line?: Line;
}

/** The reference of the authorisation with this key. */
export function referenceOf(key: string): string {
  return `auth_${createHash('sha256').update(key).digest('hex').slice(0, 24)}`;
}

/** Decides about a request from the lines of its authorisation in the book. */
export function decide(lines: readonly Line[], request: Request, at: string): Decision {
  const { key, operation, reference } = request;
  const same = lines.filter((line) => line.key === key);
  const about = request.wish ?? lines[0];
  if (!about) return { reply: { kind: 'refused', status: 404, reason: `there is no authorisation ${reference}` } };
  if (same.some((line) => line.operation !== operation || !sameMoney(line, about))) {
    return {
      reply: { kind: 'refused', status: 409, reason: `the idempotency key ${key} was used for something else` },
    };
  }
  const known = resultIn(same);
  if (known) return { reply: { kind: 'result', ...known, delivery: 'at-once' } };
  const line = (outcome: Outcome, reason?: string): Line =>
    lineOf({ at, operation, outcome, key, reference, ...moneyOf(about) }, reason);
  const card = cardOf(about.paymentMethod);
  if (card.failsFirst && same.length === 0) return { reply: { kind: 'error' }, line: line('error') };
  if (card.webhooks !== undefined)
    return { reply: { kind: 'result', status: 'pending', delivery: 'at-once' }, line: line('pending') };
  const { status, reason } = judge(lines, operation, about.paymentMethod);
  return {
    reply: {
      kind: 'result',
      status,
      ...(reason !== undefined && { reason }),
      delivery: card.slow ? 'slowly' : card.silent ? 'never' : 'at-once',
    },
    line: line(status, reason),
  };
}

/** Ends the pending operation with this key: returns the line to write, or none if it ended before. */
export function settle(lines: readonly Line[], key: string, at: string): Line | undefined {
  const same = lines.filter((line) => line.key === key);
  const pending = same.find((line) => line.outcome === 'pending');
  if (!pending || same.some(isFinal)) return undefined;
  const { status, reason } = judge(lines, pending.operation, pending.paymentMethod);
  return lineOf({ ...pending, at, outcome: status }, reason);
}

/** The result of an operation from the lines of its key; `undefined` if nothing was done. */
export function resultIn(
  same: readonly Line[],
): { status: 'approved' | 'declined' | 'pending'; reason?: string } | undefined {
  const last = same.find(isFinal) ?? same.find((line) => line.outcome === 'pending');
  if (!last) return undefined;
  return {
    status: last.outcome as 'approved' | 'declined' | 'pending',
    ...(last.reason !== undefined && { reason: last.reason }),
  };
}

/** A provider captures an authorisation once, voids what was not captured, and refunds what was. */
function judge(
  lines: readonly Line[],
  operation: Operation,
  paymentMethod: string,
): { status: 'approved' | 'declined'; reason?: string } {
  const done = (wanted: Operation): boolean =>
    lines.some((line) => line.operation === wanted && line.outcome === 'approved');
  const declined = (reason: string): { status: 'declined'; reason: string } => ({ status: 'declined', reason });
  if (operation === 'authorise') {
    const why = cardOf(paymentMethod).declined;
    return why === undefined ? { status: 'approved' } : declined(why);
  }
  if (!done('authorise')) return declined('not_authorised');
  if (done('void')) return declined('already_voided');
  if (operation === 'refund')
    return !done('capture')
      ? declined('not_captured')
      : done('refund')
        ? declined('already_refunded')
        : { status: 'approved' };
  return done('capture') ? declined('already_captured') : { status: 'approved' };
}

function isFinal({ outcome }: Line): boolean {
  return outcome === 'approved' || outcome === 'declined';
}

function moneyOf({
  orderId,
  amountMinor,
  currency,
  paymentMethod,
}: NonNullable<Request['wish']>): NonNullable<Request['wish']> {
  return { orderId, amountMinor, currency, paymentMethod };
}

function sameMoney(a: NonNullable<Request['wish']>, b: NonNullable<Request['wish']>): boolean {
  return (
    a.orderId === b.orderId &&
    a.amountMinor === b.amountMinor &&
    a.currency === b.currency &&
    a.paymentMethod === b.paymentMethod
  );
}

function lineOf(
  { at, operation, outcome, key, reference, orderId, amountMinor, currency, paymentMethod }: Line,
  reason?: string,
): Line {
  return {
    at,
    operation,
    outcome,
    key,
    reference,
    orderId,
    amountMinor,
    currency,
    paymentMethod,
    ...(reason !== undefined && { reason }),
  };
}

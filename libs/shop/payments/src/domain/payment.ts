import {
  CancelFailed,
  type CancelOutcome,
  CaptureFailed,
  PaymentAuthorised,
  PaymentCancelled,
  PaymentCaptured,
  PaymentDeclined,
  type PaymentState,
  REASON_MAX,
} from '../../contract/index.js';
import type { Posting, PostingKind } from './ledger.js';

/** What the provider is asked to do. */
export const STEPS = ['authorise', 'capture', 'void', 'refund'] as const;

/** One of `STEPS`. */
export type Step = (typeof STEPS)[number];

/** What the provider says to a step; `pending`: it will tell later. */
export interface Answer {
  readonly status: 'approved' | 'declined' | 'pending';
  /** The provider's name for what was set aside. */
  readonly reference: string;
  /** Why it was declined. */
  readonly reason?: string;
}

/** The payment of an order. */
export interface Payment {
  readonly orderId: string;
  readonly state: PaymentState;
  /** Unknown when it was cancelled before it had begun, as the currency and the method. */
  readonly userId: string | undefined;
  readonly amountMinor: number;
  readonly currency: string | undefined;
  readonly paymentMethod: string | undefined;
  /** The provider's name for what it set aside. */
  readonly reference: string | undefined;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  /** Why it is to be cancelled: set once, and from then on it goes that way. */
  readonly cancelReason: string | undefined;
  /** Why it came to its state, if there is a reason. */
  readonly reason: string | undefined;
  /**
   * 1, and one more each time that somebody has the provider asked again, for whatever step: part of the key that it is
   * asked with.
   */
  readonly attempt: number;
  /** What was told of it: each kind of event once, or once an attempt. */
  readonly told: readonly EventKind[];
}

/** What is told of a payment. */
export type PaymentEvent =
  PaymentAuthorised | PaymentDeclined | PaymentCaptured | CaptureFailed | PaymentCancelled | CancelFailed;

/** The kinds of `PaymentEvent`. */
export type EventKind = 'authorised' | 'declined' | 'captured' | 'capture-failed' | 'cancelled' | 'cancel-failed';

/** A payment after a change, with what is to be stored and told together with it. */
export interface Change {
  readonly payment: Payment;
  readonly events: readonly PaymentEvent[];
  readonly postings: readonly Posting[];
}

/** What an order wants to pay. */
export interface Wish {
  readonly orderId: string;
  readonly userId: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly paymentMethod: string;
}

const NO_REASON = 'the provider gives no reason';

const ASKS: Readonly<Partial<Record<PaymentState, Step>>> = {
  authorising: 'authorise',
  capturing: 'capture',
  voiding: 'void',
  refunding: 'refund',
};

/** What the provider is to be asked for a payment in this state, if anything. */
export function stepOf(state: PaymentState): Step | undefined {
  return ASKS[state];
}

/** What a refused step goes back to when it is tried again, and what may be told again then. */
const REFUSED: Readonly<Partial<Record<PaymentState, { readonly back: PaymentState; readonly told: EventKind }>>> = {
  'capture-failed': { back: 'capturing', told: 'capture-failed' },
  'void-failed': { back: 'voiding', told: 'cancel-failed' },
  'refund-failed': { back: 'refunding', told: 'cancel-failed' },
};

/** What the provider gives as its reason for a no when the step was done before. */
const DONE: Readonly<Partial<Record<Step, string>>> = {
  capture: 'already_captured',
  void: 'already_voided',
  refund: 'already_refunded',
};

const OUTCOMES: Readonly<Partial<Record<PaymentState, CancelOutcome>>> = { voided: 'voided', refunded: 'refunded' };

/** What the provider is asked for a payment. */
export interface Asked {
  readonly step: Step;
  /**
   * The same however often that is asked, and in whatever case a UUID is written; another one once somebody has it
   * asked again.
   */
  readonly key: string;
}

/** What the provider is asked for a payment now, if anything. */
export function askedOf({
  orderId,
  state,
  attempt,
}: Pick<Payment, 'orderId' | 'state' | 'attempt'>): Asked | undefined {
  const step = stepOf(state);
  return step && { step, key: `${orderId.toLowerCase()}:${step}${attempt === 1 ? '' : `:${attempt}`}` };
}

/** Begins the payment of an order, unless it has one; one that was cancelled before never begins. */
export function authorise(found: Payment | undefined, wish: Wish): Change | undefined {
  if (!found) {
    const { orderId, userId, amountMinor, currency, paymentMethod } = wish;
    return changed({ ...nothing(orderId), state: 'authorising', userId, amountMinor, currency, paymentMethod });
  }
  if (found.state !== 'forbidden' || found.told.includes('declined')) return undefined;
  const { userId, amountMinor, currency, paymentMethod } = wish;
  return tell(
    changed({ ...found, userId, amountMinor, currency, paymentMethod }),
    'declined',
    new PaymentDeclined({ orderId: found.orderId, reason: found.cancelReason ?? 'cancelled' }),
  );
}

/**
 * Begins to capture what is authorised. `undefined` when there is nothing to do (any more); `wait` while the
 * authorisation is unsettled.
 */
export function capture(found: Payment): Change | 'wait' | undefined {
  if (found.state === 'authorised') return changed({ ...found, state: 'capturing', reason: undefined });
  if (found.state === 'authorising' && found.cancelReason === undefined) return 'wait';
  if (found.state === 'capturing' || found.told.includes('captured')) return undefined;
  return tell(changed(found), 'capture-failed', notCaptured(found));
}

/** Undoes a payment, whatever has become of it; the first time counts. */
export function cancel(found: Payment | undefined, orderId: string, reason: string): Change | undefined {
  if (!found) return told({ ...nothing(orderId), state: 'forbidden', cancelReason: reason, reason }, 'nothing');
  if (found.cancelReason !== undefined) return undefined;
  const payment = { ...found, cancelReason: reason };
  switch (found.state) {
    case 'authorised':
    case 'capture-failed':
      return changed({ ...payment, state: 'voiding', reason });
    case 'captured':
      return changed({ ...payment, state: 'refunding', reason });
    case 'declined':
      return told(payment, 'nothing');
    default:
      // It is being asked for: what is to be undone shows when the answer comes.
      return changed(payment);
  }
}

/**
 * Has the provider asked again for what it refused, as something new. Whoever asks and nothing is refused any more has
 * missed what came of it, and is told again. `undefined` when that is open, or nothing was told of it.
 * @param refusedAttempt the attempt whose refusal they saw: one that is over is not tried again for it. Left out or
 * null: whichever was refused.
 */
export function retry(found: Payment, refusedAttempt?: number | null): Change | undefined {
  const refused = REFUSED[found.state];
  if (!refused) return toldAgain(found);
  if (refusedAttempt != null && refusedAttempt < found.attempt) return undefined;
  return changed({
    ...found,
    state: refused.back,
    reason: found.cancelReason,
    attempt: found.attempt + 1,
    told: found.told.filter((kind) => kind !== refused.told),
  });
}

/**
 * Takes the provider's answer to what it was asked. `undefined` when it says nothing new: it is pending, or that was
 * settled before.
 */
export function settle(found: Payment, asked: Asked, answer: Answer): Change | undefined {
  const now = askedOf(found);
  if (now?.key !== asked.key || now.step !== asked.step || answer.status === 'pending') return undefined;
  const approved = answer.status === 'approved' || isDone(asked.step, answer);
  switch (asked.step) {
    case 'authorise':
      return approved ? authorised({ ...found, reference: answer.reference }) : declined(found, answer.reason);
    case 'capture':
      return approved ? captured({ ...found, capturedMinor: found.amountMinor }) : captureFailed(found, answer.reason);
    case 'void':
      // Somebody took the money by hand, or by a capture that was taken for refused: it is given back.
      if (answer.reason === DONE.capture) return captured({ ...found, capturedMinor: found.amountMinor });
      if (!approved) return cancelFailed(found, 'void-failed', answer.reason);
      return post(told({ ...found, state: 'voided' }, 'voided'), 'void');
    case 'refund':
      if (!approved) return cancelFailed(found, 'refund-failed', answer.reason);
      return post(told({ ...found, state: 'refunded', refundedMinor: found.capturedMinor }, 'refunded'), 'refund');
  }
}

/**
 * Whether the provider says that a step was done before: by hand at its desk, or by a request of which it has forgotten
 * the key.
 */
function isDone(step: Step, { reason }: Answer): boolean {
  return reason !== undefined && reason === DONE[step];
}

/** What was told of a payment that waits for nothing, once more. */
function toldAgain(found: Payment): Change | undefined {
  if (stepOf(found.state) !== undefined) return undefined;
  const { orderId, amountMinor, told: before } = found;
  const events: PaymentEvent[] = [];
  if (before.includes('captured'))
    events.push(new PaymentCaptured({ orderId, amountMinor, currency: currencyOf(found) }));
  if (before.includes('capture-failed')) events.push(notCaptured(found));
  if (before.includes('cancelled'))
    events.push(new PaymentCancelled({ orderId, outcome: OUTCOMES[found.state] ?? 'nothing' }));
  return events.length === 0 ? undefined : { ...changed(found), events };
}

function notCaptured({ orderId, state, cancelReason, attempt }: Payment): CaptureFailed {
  const reason = cancelReason === undefined ? `it is ${state}` : `it was cancelled: ${cancelReason}`;
  return new CaptureFailed({ orderId, reason: short(reason), attempt });
}

function authorised(found: Payment): Change {
  const { orderId, amountMinor, cancelReason } = found;
  if (cancelReason !== undefined)
    return post(changed({ ...found, state: 'voiding', reason: cancelReason }), 'authorise');
  return post(
    tell(
      changed({ ...found, state: 'authorised' }),
      'authorised',
      new PaymentAuthorised({ orderId, amountMinor, currency: currencyOf(found) }),
    ),
    'authorise',
  );
}

function declined(found: Payment, why = NO_REASON): Change {
  const payment: Payment = { ...found, state: 'declined', reason: short(why) };
  if (found.cancelReason !== undefined) return told(payment, 'nothing');
  return tell(changed(payment), 'declined', new PaymentDeclined({ orderId: found.orderId, reason: short(why) }));
}

function captured(found: Payment): Change {
  const { orderId, amountMinor, cancelReason } = found;
  if (cancelReason !== undefined)
    return post(changed({ ...found, state: 'refunding', reason: cancelReason }), 'capture');
  return post(
    tell(
      changed({ ...found, state: 'captured' }),
      'captured',
      new PaymentCaptured({ orderId, amountMinor, currency: currencyOf(found) }),
    ),
    'capture',
  );
}

function captureFailed(found: Payment, why = NO_REASON): Change {
  if (found.cancelReason !== undefined) return changed({ ...found, state: 'voiding', reason: found.cancelReason });
  return tell(
    changed({ ...found, state: 'capture-failed', reason: short(why) }),
    'capture-failed',
    new CaptureFailed({ orderId: found.orderId, reason: short(why), attempt: found.attempt }),
  );
}

function cancelFailed(found: Payment, state: 'void-failed' | 'refund-failed', why = NO_REASON): Change {
  const reason = short(why);
  return tell(
    changed({ ...found, state, reason }),
    'cancel-failed',
    new CancelFailed({ orderId: found.orderId, reason, attempt: found.attempt }),
  );
}

function nothing(orderId: string): Payment {
  return {
    orderId,
    state: 'forbidden',
    userId: undefined,
    amountMinor: 0,
    currency: undefined,
    paymentMethod: undefined,
    reference: undefined,
    capturedMinor: 0,
    refundedMinor: 0,
    cancelReason: undefined,
    reason: undefined,
    attempt: 1,
    told: [],
  };
}

function changed(payment: Payment): Change {
  return { payment, events: [], postings: [] };
}

/** Adds what is told, if that was never told of this payment. */
function tell(change: Change, kind: EventKind, event: PaymentEvent): Change {
  const { payment } = change;
  if (payment.told.includes(kind)) return change;
  return { ...change, payment: { ...payment, told: [...payment.told, kind] }, events: [...change.events, event] };
}

function told(payment: Payment, outcome: CancelOutcome): Change {
  return tell(changed(payment), 'cancelled', new PaymentCancelled({ orderId: payment.orderId, outcome }));
}

function post(change: Change, kind: PostingKind): Change {
  const { payment } = change;
  return {
    ...change,
    postings: [...change.postings, { kind, amountMinor: payment.amountMinor, currency: currencyOf(payment) }],
  };
}

function currencyOf({ orderId, currency }: Payment): string {
  if (currency === undefined) throw new Error(`the payment of order ${orderId} moves money of no currency`);
  return currency;
}

function short(reason: string): string {
  return reason.slice(0, REASON_MAX);
}

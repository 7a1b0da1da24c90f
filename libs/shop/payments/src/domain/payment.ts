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

/** The steps that the provider can be asked for. */
export const STEPS = ['authorise', 'capture', 'void', 'refund'] as const;

/** One of `STEPS`. */
export type Step = (typeof STEPS)[number];

/** The provider's answer to a step; `pending`: the result comes later. */
export interface Answer {
  readonly status: 'approved' | 'declined' | 'pending';
  /** The provider's name for the authorisation. */
  readonly reference: string;
  /** Why it was declined. */
  readonly reason?: string;
}

/** The payment of an order. */
export interface Payment {
  readonly orderId: string;
  readonly state: PaymentState;
  /** Unknown if it was cancelled before it had begun; the same goes for the currency and the method. */
  readonly userId: string | undefined;
  readonly amountMinor: number;
  readonly currency: string | undefined;
  readonly paymentMethod: string | undefined;
  /** The provider's name for the authorisation. */
  readonly reference: string | undefined;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  /** Why it is to be cancelled: set once, and never taken back. */
  readonly cancelReason: string | undefined;
  /** Why it is in its state, if there is a reason. */
  readonly reason: string | undefined;
  /** 1, and one more for each retry of any step: part of the idempotency key of a step. */
  readonly attempt: number;
  /** The events that were published: each kind once, or once per attempt. */
  readonly told: readonly EventKind[];
}

/** An event about a payment. */
export type PaymentEvent =
  PaymentAuthorised | PaymentDeclined | PaymentCaptured | CaptureFailed | PaymentCancelled | CancelFailed;

/** The kinds of `PaymentEvent`. */
export type EventKind = 'authorised' | 'declined' | 'captured' | 'capture-failed' | 'cancelled' | 'cancel-failed';

/** A payment after a change, with what to store and publish together with it. */
export interface Change {
  readonly payment: Payment;
  readonly events: readonly PaymentEvent[];
  readonly postings: readonly Posting[];
}

/** The payment that an order requests. */
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

/** The step to ask the provider for in this state, if any. */
export function stepOf(state: PaymentState): Step | undefined {
  return ASKS[state];
}

/** The state that a refused step returns to for a retry, and the events that may then be published again. */
const REFUSED: Readonly<Partial<Record<PaymentState, { readonly back: PaymentState; readonly told: EventKind }>>> = {
  'capture-failed': { back: 'capturing', told: 'capture-failed' },
  'void-failed': { back: 'voiding', told: 'cancel-failed' },
  'refund-failed': { back: 'refunding', told: 'cancel-failed' },
};

/** The provider's reasons for refusing a step that was done before. */
const DONE: Readonly<Partial<Record<Step, string>>> = {
  capture: 'already_captured',
  void: 'already_voided',
  refund: 'already_refunded',
};

const OUTCOMES: Readonly<Partial<Record<PaymentState, CancelOutcome>>> = { voided: 'voided', refunded: 'refunded' };

/** A step that the provider is asked for. */
export interface Asked {
  readonly step: Step;
  /** The idempotency key: the same for every repetition, whatever the case of a UUID; a retry gets a new one. */
  readonly key: string;
}

/** The step to ask the provider for now, if any. */
export function askedOf({
  orderId,
  state,
  attempt,
}: Pick<Payment, 'orderId' | 'state' | 'attempt'>): Asked | undefined {
  const step = stepOf(state);
  return step && { step, key: `${orderId.toLowerCase()}:${step}${attempt === 1 ? '' : `:${attempt}`}` };
}

/** Begins the payment of an order, unless it has one; a payment that was cancelled before never begins. */
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
 * Begins to capture what is authorised. `undefined` if there is nothing to do (any more); `wait` while the
 * authorisation is unsettled.
 */
export function capture(found: Payment): Change | 'wait' | undefined {
  if (found.state === 'authorised') return changed({ ...found, state: 'capturing', reason: undefined });
  if (found.state === 'authorising' && found.cancelReason === undefined) return 'wait';
  if (found.state === 'capturing' || found.told.includes('captured')) return undefined;
  return tell(changed(found), 'capture-failed', notCaptured(found));
}

/** Undoes a payment in any state; the first cancellation counts. */
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
      // A step is pending: what must be undone is known when its answer comes.
      return changed(payment);
  }
}

/**
 * Starts a new attempt of the refused step. If nothing is refused any more, the caller has missed the result, which is
 * published again. `undefined` if that is open, or nothing was published.
 * @param refusedAttempt the attempt whose refusal the caller saw: an older one is not retried. Omitted or null: the
 * last refused one.
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
 * Applies the provider's answer to a step. `undefined` if it brings nothing new: it is pending, or the step is settled.
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
      // Somebody captured the money by hand, or a capture counted as refused was done: refund it.
      if (answer.reason === DONE.capture) return captured({ ...found, capturedMinor: found.amountMinor });
      if (!approved) return cancelFailed(found, 'void-failed', answer.reason);
      return post(told({ ...found, state: 'voided' }, 'voided'), 'void');
    case 'refund':
      if (!approved) return cancelFailed(found, 'refund-failed', answer.reason);
      return post(told({ ...found, state: 'refunded', refundedMinor: found.capturedMinor }, 'refunded'), 'refund');
  }
}

/**
 * Whether the provider says that a step was done before: by hand in its own interface, or by a request whose key it has
 * forgotten.
 */
function isDone(step: Step, { reason }: Answer): boolean {
  return reason !== undefined && reason === DONE[step];
}

/** The result of a payment that waits for nothing, to publish again. */
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

/** Adds an event, unless it was published for this payment before. */
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

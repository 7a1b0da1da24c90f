import {
  CancelFailed,
  CaptureFailed,
  PaymentAuthorised,
  PaymentCancelled,
  PaymentCaptured,
  PaymentDeclined,
} from '../../contract/index.js';
import {
  type Answer,
  askedOf,
  authorise,
  cancel,
  capture,
  type Change,
  type Payment,
  retry,
  settle,
  type Step,
} from './payment.js';

const orderId = 'b7b5f0a2-6b0b-4c5c-9d3b-0d6a4d1c1f10';
const wish = { orderId, userId: orderId, amountMinor: 1_999, currency: 'EUR', paymentMethod: 'pm_card_approved' };
const approved: Answer = { status: 'approved', reference: 'auth_1' };
const declined: Answer = { status: 'declined', reference: 'auth_1', reason: 'card_declined' };

/** An order's payment through everything that is done to it. */
class Timeline {
  payment: Payment | undefined;
  readonly told: string[] = [];
  readonly posted: string[] = [];
  /** Of what was told of refusals. */
  readonly attempts: (number | undefined)[] = [];

  authorise = () => this.take(authorise(this.payment, wish));
  cancel = (reason = 'changed my mind') => this.take(cancel(this.payment, orderId, reason));
  capture(): 'wait' | this {
    const change = capture(this.payment as Payment);
    return change === 'wait' ? change : this.take(change);
  }
  retry = (refusedAttempt?: number) => this.take(retry(this.payment as Payment, refusedAttempt));
  /** Takes the answer to what is asked now, or one that comes late. */
  answer(answer: Answer, late?: Step): this {
    const asked = late === undefined ? askedOf(this.payment as Payment) : { step: late, key: `${orderId}:${late}` };
    return this.take(asked && settle(this.payment as Payment, asked, answer));
  }

  get key(): string {
    return askedOf(this.payment as Payment)?.key ?? 'nothing';
  }

  private take(change: Change | undefined): this {
    if (!change) return this;
    this.payment = change.payment;
    for (const event of change.events) {
      this.told.push(summaryOf(event));
      if (event instanceof CancelFailed || event instanceof CaptureFailed) this.attempts.push(event.attempt);
    }
    for (const { kind, amountMinor } of change.postings) this.posted.push(`${kind} ${amountMinor}`);
    return this;
  }
}

function summaryOf(event: object): string {
  if (event instanceof PaymentCancelled) return `cancelled: ${event.outcome}`;
  if (event instanceof PaymentDeclined) return `declined: ${event.reason}`;
  if (event instanceof CancelFailed) return `cancel failed: ${event.reason}`;
  if (event instanceof CaptureFailed) return `capture failed: ${event.reason}`;
  if (event instanceof PaymentAuthorised) return `authorised ${event.amountMinor}`;
  if (event instanceof PaymentCaptured) return `captured ${event.amountMinor}`;
  return 'something else';
}

const begun = () => new Timeline().authorise();
const authorised = () => begun().answer(approved);
const captured = () => (authorised().capture() as Timeline).answer(approved);

describe('a payment that goes well', () => {
  it('is authorised and captured, told and posted once, however often it is asked for and answered', () => {
    const timeline = begun()
      .authorise()
      .answer(approved)
      .answer(approved, 'authorise')
      .answer(declined, 'authorise')
      .authorise();
    expect(timeline.payment).toMatchObject({ state: 'authorised', reference: 'auth_1', capturedMinor: 0 });
    timeline.capture();
    timeline.capture();
    timeline.answer(approved).answer(approved, 'capture').answer(declined, 'capture').answer(approved, 'authorise');
    timeline.capture();
    expect(timeline.payment).toMatchObject({ state: 'captured', capturedMinor: 1_999, refundedMinor: 0 });
    expect(timeline.told).toEqual(['authorised 1999', 'captured 1999']);
    expect(timeline.posted).toEqual(['authorise 1999', 'capture 1999']);
  });

  it('waits for an answer that is pending', () => {
    const timeline = begun().answer({ status: 'pending', reference: 'auth_1' });
    expect(timeline.payment?.state).toBe('authorising');
    expect(timeline.capture()).toBe('wait');
    expect(timeline.answer(approved).payment?.state).toBe('authorised');
  });
});

describe('a payment that goes wrong', () => {
  it('is declined with the reason, and cannot be captured', () => {
    const timeline = begun().answer(declined);
    timeline.capture();
    timeline.capture();
    expect(timeline.payment?.state).toBe('declined');
    expect(timeline.told).toEqual(['declined: card_declined', 'capture failed: it is declined']);
    expect(timeline.posted).toEqual([]);
  });

  it('is not captured when the provider will not, and can be voided then', () => {
    const timeline = (authorised().capture() as Timeline).answer({ ...declined, reason: 'expired' });
    timeline.capture();
    expect(timeline.payment).toMatchObject({ state: 'capture-failed', capturedMinor: 0 });
    expect(timeline.cancel().answer(approved).payment?.state).toBe('voided');
    expect(timeline.told).toEqual(['authorised 1999', 'capture failed: expired', 'cancelled: voided']);
  });
});

describe('a payment that is cancelled', () => {
  it.each<[string, () => Timeline, string, string[]]>([
    ['before it begins', () => new Timeline().cancel(), 'forbidden', ['cancelled: nothing']],
    [
      'before it begins, and then it does',
      () => new Timeline().cancel().authorise().authorise(),
      'forbidden',
      ['cancelled: nothing', 'declined: changed my mind'],
    ],
    [
      'while it is authorised',
      () => begun().cancel().answer(approved).answer(approved),
      'voided',
      ['cancelled: voided'],
    ],
    ['while it is declined', () => begun().cancel().answer(declined), 'declined', ['cancelled: nothing']],
    [
      'after it was declined',
      () => begun().answer(declined).cancel(),
      'declined',
      ['declined: card_declined', 'cancelled: nothing'],
    ],
    [
      'after it was authorised',
      () => authorised().cancel().answer(approved),
      'voided',
      ['authorised 1999', 'cancelled: voided'],
    ],
    [
      'while it is captured',
      () => (authorised().capture() as Timeline).cancel().answer(approved).answer(approved),
      'refunded',
      ['authorised 1999', 'cancelled: refunded'],
    ],
    [
      'while its capture fails',
      () => (authorised().capture() as Timeline).cancel().answer(declined).answer(approved),
      'voided',
      ['authorised 1999', 'cancelled: voided'],
    ],
    [
      'after it was captured',
      () => captured().cancel().answer(approved),
      'refunded',
      ['authorised 1999', 'captured 1999', 'cancelled: refunded'],
    ],
  ])('%s', (_, tell, state, told) => {
    const timeline = tell();
    timeline.cancel();
    timeline.cancel('for another reason');
    expect(timeline.payment?.cancelReason).toBe('changed my mind');
    expect(timeline.payment?.state).toBe(state);
    expect(timeline.told).toEqual(told);
    expect(timeline.payment?.refundedMinor).toBe(timeline.payment?.capturedMinor);
    const held = timeline.posted.filter((posting) => posting.startsWith('authorise')).length;
    expect(timeline.posted.filter((posting) => /^(void|capture)/.test(posting))).toHaveLength(held);
  });

  it('is not captured afterwards', () => {
    const timeline = authorised().cancel();
    timeline.capture();
    timeline.capture();
    timeline.answer(approved);
    expect(timeline.told).toEqual([
      'authorised 1999',
      'capture failed: it was cancelled: changed my mind',
      'cancelled: voided',
    ]);
    expect(timeline.payment).toMatchObject({ state: 'voided', capturedMinor: 0 });
  });

  it.each<[string, () => Timeline, string, Step, string]>([
    ['give back what it took', captured, 'refund-failed', 'refund', 'refunded'],
    ['free what it set aside', authorised, 'void-failed', 'void', 'voided'],
  ])(
    'says so when the provider will not %s, and goes on when somebody has it asked again',
    (_, before, refused, step, undone) => {
      const timeline = before().cancel();
      timeline
        .answer({ ...declined, reason: 'account_closed' })
        .answer(approved, step)
        .cancel();
      expect(timeline.payment).toMatchObject({ state: refused, reason: 'account_closed', refundedMinor: 0 });
      expect(timeline.told.slice(-1)).toEqual(['cancel failed: account_closed']);
      const posted = [...timeline.posted];
      expect(timeline.retry().key).toBe(`${orderId}:${step}:2`);
      timeline.answer(approved, step).answer(declined, step);
      expect(timeline.posted).toEqual(posted);
      timeline.answer(declined).retry();
      expect(timeline.key).toBe(`${orderId}:${step}:3`);
      timeline.answer(approved);
      expect(timeline.payment).toMatchObject({ state: undone, reason: 'changed my mind' });
      expect(timeline.told.slice(-3)).toEqual([
        'cancel failed: account_closed',
        'cancel failed: card_declined',
        `cancelled: ${undone}`,
      ]);
      expect(timeline.posted).toEqual([...posted, `${step} 1999`]);
    },
  );
});

describe('a payment that is tried again', () => {
  it('is captured after all, and can be refunded', () => {
    const timeline = (authorised().capture() as Timeline).answer({ ...declined, reason: 'expired' }).retry();
    timeline.capture();
    expect(timeline.key).toBe(`${orderId}:capture:2`);
    timeline.answer(declined).retry().answer(approved).cancel().answer(approved);
    expect(timeline.told).toEqual([
      'authorised 1999',
      'capture failed: expired',
      'capture failed: card_declined',
      'captured 1999',
      'cancelled: refunded',
    ]);
    expect(timeline.posted).toEqual(['authorise 1999', 'capture 1999', 'refund 1999']);
    expect(timeline.payment).toMatchObject({ state: 'refunded', refundedMinor: 1_999 });
  });

  it.each<[string, () => Timeline, string[]]>([
    ['while it is asked for', begun, []],
    ['while it is undone', () => captured().cancel(), []],
    ['when it is authorised', authorised, []],
    ['when it was declined', () => begun().answer(declined), []],
    ['when it is captured', captured, ['captured 1999']],
    ['when it is forbidden', () => new Timeline().cancel(), ['cancelled: nothing']],
    ['when it is voided', () => authorised().cancel().answer(approved), ['cancelled: voided']],
    ['when it is refunded', () => captured().cancel().answer(approved), ['captured 1999', 'cancelled: refunded']],
    [
      'when it was captured after it was voided',
      () => authorised().cancel().answer(approved).capture() as Timeline,
      ['capture failed: it was cancelled: changed my mind', 'cancelled: voided'],
    ],
  ])('stays as it is when nothing was refused, and tells again what came of it: %s', (_, tell, toldAgain) => {
    const timeline = tell();
    const { payment, told, posted } = { ...timeline, told: [...timeline.told], posted: [...timeline.posted] };
    timeline.retry().retry(1);
    expect(timeline.payment).toEqual(payment);
    expect(timeline.posted).toEqual(posted);
    expect(timeline.told).toEqual([...told, ...toldAgain, ...toldAgain]);
  });

  it('is not tried again for a refusal that is over', () => {
    const timeline = (authorised().capture() as Timeline).answer(declined).retry(1).retry(1).answer(declined).retry(1);
    expect(timeline.payment).toMatchObject({ state: 'capture-failed', attempt: 2 });
    expect(timeline.retry(2).key).toBe(`${orderId}:capture:3`);
    expect(timeline.attempts).toEqual([1, 2]);
  });
});

describe('a step that was done by hand, at the provider', () => {
  const done = (reason: string): Answer => ({ status: 'declined', reference: 'auth_1', reason });

  it.each<[string, () => Timeline, string, string, string]>([
    ['capture', () => authorised().capture() as Timeline, 'already_captured', 'captured', 'captured 1999'],
    ['void', () => authorised().cancel(), 'already_voided', 'voided', 'cancelled: voided'],
    ['refund', () => captured().cancel(), 'already_refunded', 'refunded', 'cancelled: refunded'],
  ])('is settled when it is asked again: %s', (step, before, reason, state, last) => {
    const timeline = before()
      .answer({ ...declined, reason: 'closed' })
      .retry()
      .answer(done(reason));
    expect(timeline.payment?.state).toBe(state);
    expect(timeline.told.at(-1)).toBe(last);
    expect(timeline.posted.at(-1)).toBe(`${step} 1999`);
  });

  it.each<[string, () => Timeline, string, string]>([
    ['a capture', () => authorised().capture() as Timeline, 'already_voided', 'capture-failed'],
    ['a refund', () => captured().cancel(), 'already_voided', 'refund-failed'],
    ['an authorisation', begun, 'already_captured', 'declined'],
  ])('is not confused with another: %s', (_, before, reason, state) => {
    expect(before().answer(done(reason)).payment?.state).toBe(state);
  });

  // each void was refused, however often somebody had it tried again
  it('is given back when it took the money that was to be freed', () => {
    const timeline = authorised().cancel().answer(done('already_captured'));
    expect(timeline.payment).toMatchObject({ state: 'refunding', capturedMinor: 1999 });
    timeline.answer(approved);
    expect(timeline.payment).toMatchObject({ state: 'refunded', refundedMinor: 1999 });
    expect(timeline.told.at(-1)).toBe('cancelled: refunded');
    expect(timeline.posted.slice(-2)).toEqual(['capture 1999', 'refund 1999']);
  });

  it('is not believed of one who gives no reason', () => {
    expect(begun().answer({ status: 'declined', reference: 'auth_1' }).payment?.state).toBe('declined');
  });
});

it('names what is asked the same, in whatever case the order is written', () => {
  expect(askedOf({ orderId: orderId.toUpperCase(), state: 'capturing', attempt: 1 })?.key).toBe(`${orderId}:capture`);
  expect(askedOf({ orderId, state: 'captured', attempt: 1 })).toBeUndefined();
});

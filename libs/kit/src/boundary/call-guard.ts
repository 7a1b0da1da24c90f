import type { CallLimits, UnavailableReason } from '../contract/index.js';

/** What the end of a call says of the module that was called. */
export type CallSign =
  | 'alive'
  /** No answer came, although there was time for one. */
  | 'silent'
  /** The call ended for a reason of its own: it was cancelled, or could not be sent. */
  | 'none';

/** Whether calls are sent; `trying` while one call tries whether the module answers again. */
export type CircuitState = 'closed' | 'trying' | 'open';

/** The time of an open circuit grows to this many times its setting. */
const LONGEST = 10;
/** The retries that may be saved up, in seconds of the floor. */
const SAVED_SECONDS = 10;

/**
 * What one module spends on one other, in one process: a bulkhead, a circuit breaker and a retry budget, the same for
 * every transport. One object for all calls between the two.
 *
 * Only silence opens the circuit. A module that answers costs its callers nothing to ask, whatever it answers: one that
 * refuses or fails does so at once, and its errors say what happened. The states are those of Nygard, "Release It!"
 * (2007); the budget is that of Finagle.
 */
export class CallGuard {
  /** Calls that have no answer yet. */
  waiting = 0;
  /** Calls that were not sent, by reason. */
  readonly refused: Record<'circuit-open' | 'bulkhead-full', number> = { 'circuit-open': 0, 'bulkhead-full': 0 };
  private sent = 0;
  // Two halves of a window, of which the newer one is filled: no list of calls, and no timer.
  private halfBeganAt = 0;
  private ended = 0;
  private silent = 0;
  private endedBefore = 0;
  private silentBefore = 0;
  /** Until when the circuit is open; 0 while it is closed. */
  private openUntil = 0;
  private openForMs = 0;
  /** When the call that tries was sent; 0 without one. */
  private triedAt = 0;
  private retries: number;
  private retriesAt = 0;
  private sentAtRetry = 0;

  constructor(
    readonly caller: string,
    readonly module: string,
    private readonly limits: CallLimits,
    /** Told when the circuit opens and when it closes again. */
    private readonly changed: (guard: CallGuard) => void = () => undefined,
  ) {
    this.retries = this.savedMax;
  }

  get state(): CircuitState {
    if (this.openUntil === 0) return 'closed';
    return this.triedAt === 0 ? 'open' : 'trying';
  }

  /** Why a call is not sent now; `undefined` if it is, and then `left` must follow. @param at of `now()` */
  enter(at: number): keyof CallGuard['refused'] | undefined {
    if (this.waiting >= this.limits.waitingMax) return this.refuse('bulkhead-full');
    if (this.openUntil !== 0) {
      if (this.triedAt !== 0 || at < this.openUntil) return this.refuse('circuit-open');
      this.triedAt = at;
    }
    this.waiting++;
    this.sent++;
    return undefined;
  }

  /** Records the end of a call that was sent. */
  left(startedAt: number, at: number, sign: CallSign): void {
    this.waiting--;
    if (sign === 'none') {
      if (startedAt === this.triedAt) this.triedAt = 0;
      return;
    }
    if (at - this.halfBeganAt >= this.limits.breaker.windowMs / 2) this.beginHalf(at);
    this.ended++;
    if (sign === 'alive') {
      // whoever was asked before it opened may answer, too
      if (this.openUntil !== 0) this.close();
      return;
    }
    this.silent++;
    if (this.openUntil === 0) {
      if (this.isMostlySilent) this.open(at, this.limits.breaker.openForMs);
    } else if (this.triedAt !== 0 && startedAt >= this.triedAt) {
      this.open(at, Math.min(this.openForMs * 2, this.limits.breaker.openForMs * LONGEST));
    }
  }

  /** Whether a call that got no answer may be sent again now; counts it. */
  mayRetry(at: number): boolean {
    const { percent, floor } = this.limits.retryBudget;
    const earned = ((this.sent - this.sentAtRetry) * percent) / 100 + ((at - this.retriesAt) * floor) / 1_000;
    this.retries = Math.min(this.savedMax, this.retries + earned);
    this.sentAtRetry = this.sent;
    this.retriesAt = at;
    if (this.retries < 1) return false;
    this.retries--;
    return true;
  }

  private get savedMax(): number {
    const { percent, floor } = this.limits.retryBudget;
    return percent === 0 && floor === 0 ? 0 : Math.max(SAVED_SECONDS, floor * SAVED_SECONDS);
  }

  private get isMostlySilent(): boolean {
    const { callsMin, silentRate } = this.limits.breaker;
    const ended = this.ended + this.endedBefore;
    return ended >= callsMin && (this.silent + this.silentBefore) * 100 >= ended * silentRate;
  }

  private beginHalf(at: number): void {
    const isNext = at - this.halfBeganAt < this.limits.breaker.windowMs;
    this.endedBefore = isNext ? this.ended : 0;
    this.silentBefore = isNext ? this.silent : 0;
    this.forgetHalf(at);
  }

  private forgetHalf(at: number): void {
    this.halfBeganAt = at;
    this.ended = 0;
    this.silent = 0;
  }

  private open(at: number, openForMs: number): void {
    const opens = this.openUntil === 0;
    this.openForMs = openForMs;
    this.openUntil = at + openForMs;
    this.triedAt = 0;
    if (opens) this.changed(this);
  }

  private close(): void {
    this.openUntil = 0;
    this.triedAt = 0;
    this.endedBefore = 0;
    this.silentBefore = 0;
    this.forgetHalf(this.halfBeganAt);
    this.changed(this);
  }

  private refuse(reason: Extract<UnavailableReason, keyof CallGuard['refused']>): typeof reason {
    this.refused[reason]++;
    return reason;
  }
}

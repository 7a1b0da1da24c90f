import { CallCancelled, DeadlineExceeded, FledgeError, type Outcome } from '../contract/index.js';
import type { CallGuard, CallSign } from './call-guard.js';
import type { CompiledMessage } from './catalogue.js';
import { now, type Timed, wheel } from './clock.js';
import { type Cancellable, CallContext } from './call-context.js';
import type { PassportIssuer } from './passport.js';
import type { TraceContext } from './trace-context.js';

/** How a call ended, as a metrics label: the class of the outcome, never the code of an error. */
export type CallOutcome =
  'ok' | 'declared-error' | 'invalid' | 'fault' | 'unavailable' | 'deadline' | 'cancelled' | 'refused';

/** Told of every call that ends. One per caller, message and transport, so that recording is one array access. */
export interface CallMeter {
  /** @param trace the call's, if it has a span. */
  record(outcome: CallOutcome, durationMs: number, trace?: TraceContext): void;
}

/** Lets a transport clean up after a call that ended without it: withdraw what it sent, free what it kept. */
export interface Abandonable {
  abandon(call: Call): void;
}

/** A call with less time than this, in milliseconds, and than half of what its contract allows, says nothing by silence. */
const ENOUGH_TIME_MS = 1_000;

/**
 * One pending call, seen from its caller. It is also the context in which a handler in this process runs, so that a
 * local call allocates one object. Settles once: by its result, its error, its deadline or its cancellation, whichever
 * is first.
 */
export class Call extends CallContext implements Timed, Cancellable {
  settled = false;
  before: Timed | null = null;
  after: Timed | null = null;
  /**
   * Set by the transport once the work may have started: from then on an expired deadline has the outcome `unknown`.
   */
  started = false;
  /** The transport's own handle of this call. */
  transport: Abandonable | undefined = undefined;
  // All fields are initialised here, so that every call has the same hidden class.
  private resolve: ((value: unknown) => void) | undefined = undefined;
  private reject: ((error: unknown) => void) | undefined = undefined;
  /** The answer, if it came before anyone asked for the promise. */
  private answer: unknown = undefined;
  private failed = false;

  constructor(
    readonly message: CompiledMessage,
    caller: string,
    readonly parent: CallContext | undefined,
    readonly startedAt: number,
    private readonly meter: CallMeter,
    /** Default: that of the parent. */
    trace?: TraceContext,
    private readonly passports?: PassportIssuer,
    /** What counts the call, which it has admitted. Default: nothing does. */
    private readonly guard?: CallGuard,
  ) {
    super(
      message.module,
      caller,
      parent === undefined || parent.deadlineAt > startedAt + message.deadlineMs
        ? startedAt + message.deadlineMs
        : parent.deadlineAt,
      parent?.identity,
      trace ?? parent?.trace,
      parent?.idempotencyKey,
      parent?.values,
      parent?.onBehalfOf,
    );
  }

  override get chain(): readonly string[] {
    return [...(this.parent?.chain ?? []), this.caller];
  }

  /**
   * The signed proof of who acts, for a transport that leaves the process; `undefined` where nobody acts, or this
   * process has no key to sign with.
   */
  passport(): string | undefined {
    if (this.passports === undefined || (this.identity === undefined && this.onBehalfOf === undefined))
      return undefined;
    return this.passports.passportOf(this);
  }

  /**
   * The promise of the call, requested once it has been sent. An immediate answer needs no timer and no resolver; any
   * other call is watched by the wheel and ends with its parent.
   */
  promise(): Promise<unknown> {
    if (this.settled) return this.failed ? Promise.reject(this.answer as Error) : Promise.resolve(this.answer);
    wheel.watch(this);
    this.parent?.hold(this);
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  succeed(value: unknown): void {
    if (this.settled) return;
    this.end('ok');
    if (this.resolve) this.resolve(value);
    else this.answer = value;
  }

  fail(error: unknown, outcome: CallOutcome): void {
    if (this.settled) return;
    this.end(outcome);
    if (this.reject) return this.reject(error);
    this.failed = true;
    this.answer = error;
  }

  /** Whether the call may be sent once more, as no answer came; counts it. For transports that repeat calls. */
  mayRetry(at: number): boolean {
    return this.guard?.mayRetry(at) ?? true;
  }

  expire(): void {
    if (this.settled) return;
    const error = new DeadlineExceeded(this.message.module, this.message.name, this.outcome());
    this.fail(error, 'deadline');
    this.abandon();
  }

  override cancel(): void {
    if (this.settled) return;
    const error = new CallCancelled(this.message.module, this.message.name, this.outcome());
    this.fail(error, 'cancelled');
    this.abandon();
  }

  /** A deadline is silence if the callee had the call and time for it, also if it says itself that the time is over. */
  private signOf(outcome: CallOutcome): CallSign {
    if (outcome !== 'deadline') return SIGNS[outcome] ?? 'none';
    const enough = Math.min(ENOUGH_TIME_MS, this.message.deadlineMs / 2);
    return this.started && this.deadlineAt - this.startedAt >= enough ? 'silent' : 'none';
  }

  private outcome(): Outcome {
    return this.started ? 'unknown' : 'not-run';
  }

  private abandon(): void {
    super.cancel();
    this.transport?.abandon(this);
  }

  private end(outcome: CallOutcome): void {
    this.settled = true;
    wheel.letGo(this);
    this.parent?.release(this);
    const at = now();
    this.guard?.left(this.startedAt, at, this.signOf(outcome));
    this.meter.record(outcome, at - this.startedAt, this.spanTrace);
  }
}

/** What an answer says of the callee; the other ends of a call are its caller's. */
const SIGNS: Partial<Record<CallOutcome, CallSign>> = {
  ok: 'alive',
  'declared-error': 'alive',
  fault: 'alive',
  unavailable: 'alive',
  refused: 'alive',
};

/** The metrics outcome of a kit error that a transport reports. */
export function outcomeOf(error: unknown): CallOutcome {
  if (!(error instanceof FledgeError)) return 'fault';
  switch (error.code) {
    case 'fledge.invalid-message':
      return 'invalid';
    case 'fledge.module-unavailable':
      return 'unavailable';
    case 'fledge.deadline-exceeded':
      return 'deadline';
    case 'fledge.call-cancelled':
      return 'cancelled';
    case 'fledge.module-fault':
      return 'fault';
    default:
      return error.code.startsWith('fledge.') ? 'refused' : 'declared-error';
  }
}

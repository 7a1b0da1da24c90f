import { now } from './clock.js';
import { currentContext, CallContext, runInContext, type Identity } from './call-context.js';

/** What a handler may know about the call that it works on. */
export interface CurrentCall {
  readonly caller: string;
  /** The user who acts; `undefined` where the module itself acts: in jobs, and in handlers of events and timers. */
  readonly identity: Identity | undefined;
  /**
   * The subject of the user whose request began this work, where the module itself acts: for the record, not a right
   * to anything.
   */
  readonly onBehalfOf: string | undefined;
  /** Milliseconds left; `Infinity` when there is no deadline. */
  readonly timeLeftMs: number;
  /** Aborts when the caller gives up or the deadline passes. */
  readonly signal: AbortSignal;
  /** Identifies the work in every module's log. */
  readonly correlationId: string;
  readonly traceparent: string;
  readonly idempotencyKey: string | undefined;
}

/** The context of the request or call that is running, or `undefined` outside of one. */
export function currentCall(): CurrentCall | undefined {
  const context = currentContext();
  if (context === undefined) return undefined;
  return {
    caller: context.caller,
    identity: context.identity,
    onBehalfOf: context.onBehalfOf,
    timeLeftMs: context.deadlineAt - now(),
    get signal() {
      return context.signal;
    },
    get correlationId() {
      return context.correlationId;
    },
    get traceparent() {
      return context.traceparent;
    },
    idempotencyKey: context.idempotencyKey,
  };
}

/** Options for the calls made within `withCallOptions`. */
export interface CallOptions {
  /**
   * Time for all calls made within, in milliseconds from now; it can only shorten what the context and the contract
   * allow.
   */
  readonly deadlineMs?: number;
  /** Cancels the calls made within. */
  readonly signal?: AbortSignal;
  /**
   * Lets a command be sent again when a replica is lost, and lets its handler recognise the repetition. At most 200
   * characters.
   */
  readonly idempotencyKey?: string;
}

/** The longest idempotency key, in characters. */
export const IDEMPOTENCY_KEY_CHARS_MAX = 200;

/** Runs `fn` so that the calls made within it have these options; the rest of the context stays. */
export async function withCallOptions<R>(options: CallOptions, fn: () => Promise<R>): Promise<R> {
  const { deadlineMs, idempotencyKey } = options;
  if (deadlineMs !== undefined && !(deadlineMs >= 0))
    throw new RangeError(`deadlineMs must be 0 or more, is ${deadlineMs}`);
  if (
    idempotencyKey !== undefined &&
    (idempotencyKey.length === 0 || idempotencyKey.length > IDEMPOTENCY_KEY_CHARS_MAX)
  ) {
    throw new RangeError(
      `idempotencyKey must have 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} characters, has ${idempotencyKey.length}`,
    );
  }
  return withinScope(options, fn);
}

/** A context inside another, for the time of a function; it may lose what was set in it. */
class ScopeContext extends CallContext {
  constructor(
    private readonly outer: CallContext | undefined,
    deadlineAt: number,
    idempotencyKey: string | undefined,
  ) {
    super(
      outer?.module ?? 'job',
      outer?.caller ?? 'job',
      Math.min(outer?.deadlineAt ?? Infinity, deadlineAt),
      outer?.identity,
      outer?.trace,
      idempotencyKey ?? outer?.idempotencyKey,
      outer?.values,
      outer?.onBehalfOf,
    );
    this.transaction = outer?.transaction;
    this.openByHand = outer?.openByHand ?? 0;
  }

  override get isNested(): boolean {
    return true;
  }

  override get outermost(): CallContext {
    return this.outer?.outermost ?? this;
  }

  override rejected(reason: unknown): boolean {
    return this.outer?.rejected(reason) ?? false;
  }

  override noteEffect(): void {
    this.outer?.noteEffect();
  }
}

/** Runs `fn` in a context of its own inside the current one. `prepare` may throw: then `fn` does not run. */
export async function withinScope<R>(
  { deadlineMs, signal, idempotencyKey }: CallOptions,
  fn: () => Promise<R>,
  prepare: (scope: CallContext, outer: CallContext | undefined) => void = () => undefined,
): Promise<R> {
  const outer = currentContext();
  const until = deadlineMs === undefined ? Infinity : now() + deadlineMs;
  const context = new ScopeContext(outer, until, idempotencyKey);
  prepare(context, outer);
  if (outer?.cancelled || signal?.aborted) context.cancel();
  const onAbort = (): void => context.cancel();
  signal?.addEventListener('abort', onAbort, { once: true });
  outer?.hold(context);
  try {
    return await runInContext(context, fn);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    outer?.release(context);
  }
}

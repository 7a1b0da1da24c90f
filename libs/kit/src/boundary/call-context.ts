import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import type { ContextValues } from './context-values.js';
import { newTraceparent, type TraceContext } from './trace-context.js';

/** Who acts: the part of the caller's identity that crosses a boundary. */
export interface Identity {
  /** The user's id, as the issuer of the token knows it. */
  readonly subject: string;
  readonly roles: readonly string[];
  /** What the user has allowed the client to do, as OAuth 2 has it. Default: none. */
  readonly scopes?: readonly string[];
}

/** An open transaction of the current flow; `owner` is the data source it belongs to. */
export interface OpenTransaction {
  readonly owner: object;
  readonly manager: object;
}

/** Something that is cancelled together with the context it was started from. */
export interface Cancellable {
  cancel(): void;
}

const NO_CHAIN: readonly string[] = [];

/**
 * The context of one piece of work inside one module: an HTTP request, a received call, a job. It follows the
 * asynchronous calls of that work and ends at the boundary; a call takes over from it only what the parity law names.
 */
export class CallContext {
  /** Set while a transaction is open; see `runInTransaction`. */
  transaction: OpenTransaction | undefined = undefined;
  /** Transactions that were opened by hand on a query runner in this context and have not ended. */
  openByHand = 0;
  cancelled = false;
  /**
   * Whether the work has sent a command or committed data: a later failure can then no longer claim that nothing was
   * done.
   */
  hasEffects = false;
  private controller: AbortController | undefined = undefined;
  private dependants: Set<Cancellable> | undefined = undefined;
  private carried: string | TraceContext | undefined;

  constructor(
    /** The module in which the work runs. */
    readonly module: string,
    /** The module that called; `http`, `ws`, `rpc` or `job` for the outermost context. */
    readonly caller: string,
    /** The deadline, on the clock of `now()`; `Infinity` for none. */
    readonly deadlineAt: number,
    public identity: Identity | undefined,
    /** The trace that the work arrived with: a `traceparent` alone, or with `tracestate` and baggage; see `traceOf`. */
    trace: string | TraceContext | undefined,
    readonly idempotencyKey: string | undefined,
    /** The values of the application's context; see `setContext`. */
    public values: ContextValues | undefined = undefined,
    /** The user whose request began this work, where no user acts in it: for a handler of an event, a timer. */
    readonly onBehalfOf: string | undefined = undefined,
  ) {
    this.carried = trace;
  }

  /** Whether it is a part of other work, with a shorter life: a transaction, or a scope with options. */
  get isNested(): boolean {
    return false;
  }

  /** The work that this context belongs to: itself, unless it is nested. */
  get outermost(): CallContext {
    return this;
  }

  /** The modules through which this work came here as calls, the first one first; the last one is the caller. */
  get chain(): readonly string[] {
    return this.outermost === this ? NO_CHAIN : this.outermost.chain;
  }

  /** The trace of this work's calls and messages; made on first use if the work arrived without one. */
  get trace(): string | TraceContext {
    return (this.carried ??= newTraceparent());
  }

  /** The trace of a span, if the work has one; of a trace without spans only the `traceparent` is known. */
  get spanTrace(): TraceContext | undefined {
    return typeof this.carried === 'object' ? this.carried : undefined;
  }

  /** Whether the work arrived with a trace, or one has been made for it. */
  get hasTrace(): boolean {
    return this.carried !== undefined;
  }

  /** Notes that a span of this work has begun: from now on, calls and messages of the work are its children. */
  continueIn(trace: TraceContext): void {
    this.carried = trace;
  }

  /** W3C `traceparent` of `trace`. */
  get traceparent(): string {
    const { trace } = this;
    return typeof trace === 'string' ? trace : trace.traceparent;
  }

  /** Identifies the work in logs and problem responses, in every module that it touches: the trace id. */
  get correlationId(): string {
    return this.traceparent.slice(3, 35);
  }

  /** Aborts when the caller gives up or the deadline passes. Made on first use. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.cancelled) this.controller.abort();
    }
    return this.controller.signal;
  }

  /** Ends the work: aborts its signal and cancels its pending calls. */
  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.controller?.abort();
    if (this.dependants) for (const dependant of [...this.dependants]) dependant.cancel();
  }

  /**
   * Reports that a promise of this work was rejected and nobody awaited it. Returns whether the work fails because of
   * it.
   */
  rejected(_reason: unknown): boolean {
    return false;
  }

  /** Notes that the work has sent a command or committed data. */
  noteEffect(): void {
    this.hasEffects = true;
  }

  /** Cancels `dependant` together with this context, until `release`. */
  hold(dependant: Cancellable): void {
    (this.dependants ??= new Set()).add(dependant);
  }

  release(dependant: Cancellable): void {
    this.dependants?.delete(dependant);
  }
}

const contexts = new AsyncLocalStorage<CallContext>();

/** The context of the current work, if there is one. */
export function currentContext(): CallContext | undefined {
  return contexts.getStore();
}

/** Runs `fn` in a context; what it awaits stays in it. */
export function runInContext<R>(context: CallContext, fn: () => R): R {
  return contexts.run(context, fn);
}

/**
 * An asynchronous scope without anyone's async-local state. Taken when the kit is loaded, before any request, so that
 * only the context crosses a boundary in one process, just as only headers do between processes.
 */
const emptyScope = new AsyncResource('FledgeBoundary', { requireManualDestroy: true });

/**
 * Runs `fn` outside any work: for a timer that some work sets, but that belongs to the process. Otherwise the timer
 * would run in the context and in the trace of that work.
 */
export function runDetached<R>(fn: () => R): R {
  return emptyScope.runInAsyncScope(fn);
}

/** What handles a message: a stock command or query handler. */
export interface Handler {
  execute(message: object): unknown;
}

/**
 * One run in an isolated scope. Node before 24 (and later with `--no-async-context-frame`) keeps async-local state on
 * the resource in whose scope it is set. What one handler sets must not reach the next, so each run has its own
 * resource. Its prototype is the empty scope, so it costs no more than a plain object.
 */
class IsolatedScope {
  constructor(
    private readonly context: CallContext,
    private readonly handler: Handler,
    private readonly message: object,
  ) {}

  enter(): unknown {
    // No `run`: it would restore the previous state, and the scope ends here anyway.
    contexts.enterWith(this.context);
    return this.handler.execute(this.message);
  }
}
Object.setPrototypeOf(IsolatedScope.prototype, emptyScope);
// Hide the state that the empty scope itself captured when it was made: its symbols with object values hold it.
for (const symbol of Object.getOwnPropertySymbols(emptyScope)) {
  if (typeof Reflect.get(emptyScope, symbol) === 'object')
    Object.defineProperty(IsolatedScope.prototype, symbol, { value: undefined, writable: true });
}

/** Runs `handler.execute(message)` in `context` and in nothing else of the caller's asynchronous context. */
export function runIsolated(context: CallContext, handler: Handler, message: object): unknown {
  const scope = new IsolatedScope(context, handler, message) as IsolatedScope & AsyncResource;
  return scope.runInAsyncScope(scope.enter, scope);
}

/**
 * The context of an HTTP request itself, or of what a client does on a WebSocket, and none inside it: the place where it
 * is said who acts.
 */
export class RequestContext extends CallContext {
  constructor(
    module: string,
    deadlineAt: number,
    trace: string | TraceContext | undefined,
    /** The `Authorization` header that the client sent. */
    readonly authorization?: string,
    caller: 'http' | 'ws' = 'http',
  ) {
    super(module, caller, deadlineAt, undefined, trace, undefined);
  }

  /** Notes that the answer is an event stream: the request timeout ends, and each call has its contract's deadline. */
  becomeStream(): void {
    (this as { deadlineAt: number }).deadlineAt = Infinity;
  }
}

/** Runs `fn` in a copy of the current context that has an open transaction. */
export function runInTransaction<R>(transaction: OpenTransaction, fn: () => R): R {
  const outer = contexts.getStore();
  return contexts.run(new TransactionContext(outer, transaction), fn);
}

/** A context inside another: shares its cancellation and effects, and adds the transaction. */
class TransactionContext extends CallContext {
  constructor(
    private readonly outer: CallContext | undefined,
    transaction: OpenTransaction,
  ) {
    super(
      outer?.module ?? '',
      outer?.caller ?? '',
      outer?.deadlineAt ?? Infinity,
      outer?.identity,
      outer?.trace,
      outer?.idempotencyKey,
      outer?.values,
      outer?.onBehalfOf,
    );
    this.transaction = transaction;
  }

  override get isNested(): boolean {
    return true;
  }

  override get outermost(): CallContext {
    return this.outer?.outermost ?? this;
  }

  override get signal(): AbortSignal {
    return this.outer?.signal ?? super.signal;
  }

  override rejected(reason: unknown): boolean {
    return this.outer?.rejected(reason) ?? false;
  }

  override noteEffect(): void {
    this.outer?.noteEffect();
  }
}

/** Whether a transaction is open in the current flow. */
export function inTransaction(context: CallContext | undefined): boolean {
  return context !== undefined && (context.transaction !== undefined || context.openByHand > 0);
}

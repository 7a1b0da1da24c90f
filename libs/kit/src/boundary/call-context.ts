import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { randomFillSync } from 'node:crypto';

/** Who acts: what crosses a boundary of the caller's identity. */
export interface Identity {
  /** The user's id, as the issuer of the token knows it. */
  readonly subject: string;
  readonly roles: readonly string[];
}

/** A transaction that is open in this flow; `owner` is the data source it belongs to. */
export interface OpenTransaction {
  readonly owner: object;
  readonly manager: object;
}

/** Something that ends when the context it was started from is cancelled. */
export interface Cancellable {
  cancel(): void;
}

/**
 * The context of one piece of work inside one module: an HTTP request, a call that was received, a job. It flows with
 * the asynchronous calls of that work and ends at the boundary; a call takes over from it what the parity law names, no
 * more.
 */
export class CallContext {
  /** Set for the extent of a transaction; see `runInTransaction`. */
  transaction: OpenTransaction | undefined = undefined;
  /** Transactions opened by hand on a query runner in this context and not yet ended. */
  openByHand = 0;
  cancelled = false;
  /**
   * Whether the work has sent a command or changed data for good, so that what fails from now on may not have done
   * nothing.
   */
  hasEffects = false;
  private controller: AbortController | undefined = undefined;
  private dependants: Set<Cancellable> | undefined = undefined;
  private trace: string | undefined;

  constructor(
    /** The module in which the work runs. */
    readonly module: string,
    /** The module that called; `http` or `job` for the outermost context. */
    readonly caller: string,
    /** When the work must be done, on the clock of `now()`; `Infinity` for none. */
    readonly deadlineAt: number,
    public identity: Identity | undefined,
    traceparent: string | undefined,
    readonly idempotencyKey: string | undefined,
  ) {
    this.trace = traceparent;
  }

  /** W3C `traceparent`; made at its first use when the work came without one. */
  get traceparent(): string {
    return (this.trace ??= newTraceparent());
  }

  /** Names the work in logs and problems, in every module that it touches: the trace id. */
  get correlationId(): string {
    return this.traceparent.slice(3, 35);
  }

  /** Aborts when the caller gives up or the deadline passes. Made at its first use. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.cancelled) this.controller.abort();
    }
    return this.controller.signal;
  }

  /** Ends the work: aborts its signal and cancels the calls that it has under way. */
  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.controller?.abort();
    if (this.dependants) for (const dependant of [...this.dependants]) dependant.cancel();
  }

  /** A promise of this work was rejected, and nobody waited for it. Returns whether the work fails by it. */
  rejected(_reason: unknown): boolean {
    return false;
  }

  /** Notes that the work has sent a command, or changed data for good. */
  noteEffect(): void {
    this.hasEffects = true;
  }

  /** Cancels `dependant` with this context, until `release`. */
  hold(dependant: Cancellable): void {
    (this.dependants ??= new Set()).add(dependant);
  }

  release(dependant: Cancellable): void {
    this.dependants?.delete(dependant);
  }
}

/** Bytes of a trace id and the span id after it. */
const IDS_BYTES = 24;
/**
 * Random bytes for the ids of many contexts, drawn at once: a draw for each took longer than all else that a context
 * costs.
 */
const random = Buffer.alloc(IDS_BYTES * 256);
let used = random.length;

function newTraceparent(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const from = used;
  used += IDS_BYTES;
  const ids = random.toString('hex', from, used);
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-01`;
}

const contexts = new AsyncLocalStorage<CallContext>();

/** The context of the work that runs now, if it runs in one. */
export function currentContext(): CallContext | undefined {
  return contexts.getStore();
}

/** Runs `fn` in a context; what it awaits stays in it. */
export function runInContext<R>(context: CallContext, fn: () => R): R {
  return contexts.run(context, fn);
}

/**
 * An asynchronous scope without anyone's async-local state. Taken when the kit is loaded,
 * before any request, so that only the context crosses a boundary in one process, as only headers do between processes.
 */
const emptyScope = new AsyncResource('FledgeBoundary', { requireManualDestroy: true });

/** What handles a message: a stock command or query handler. */
export interface Handler {
  execute(message: object): unknown;
}

/**
 * One run in an isolated scope. Node before 24 (and later ones with `--no-async-context-frame`) keeps async-local state
 * on the resource whose scope it is set in: what a handler sets there must not meet the next one, so each has a
 * resource of its own. It inherits from the empty scope what a resource is, and costs no more than an object.
 */
class IsolatedScope {
  constructor(
    private readonly context: CallContext,
    private readonly handler: Handler,
    private readonly message: object,
  ) {}

  enter(): unknown {
    // `run` would take back what was there before: the end of the scope does that.
    contexts.enterWith(this.context);
    return this.handler.execute(this.message);
  }
}
Object.setPrototypeOf(IsolatedScope.prototype, emptyScope);
// And nothing of the state that was there when it was made: what of it is an object is that, or holds it.
for (const symbol of Object.getOwnPropertySymbols(emptyScope)) {
  if (typeof Reflect.get(emptyScope, symbol) === 'object')
    Object.defineProperty(IsolatedScope.prototype, symbol, { value: undefined, writable: true });
}

/** Runs `handler.execute(message)` in `context` and in nothing else of the caller's asynchronous context. */
export function runIsolated(context: CallContext, handler: Handler, message: object): unknown {
  const scope = new IsolatedScope(context, handler, message) as IsolatedScope & AsyncResource;
  return scope.runInAsyncScope(scope.enter, scope);
}

/** Runs `fn` with a transaction open in its flow: a context like the present one, but for the transaction. */
export function runInTransaction<R>(transaction: OpenTransaction, fn: () => R): R {
  const outer = contexts.getStore();
  return contexts.run(new TransactionContext(outer, transaction), fn);
}

/** A context within another: shares its cancellation and what it knows, and has the transaction besides. */
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
      outer?.traceparent,
      outer?.idempotencyKey,
    );
    this.transaction = transaction;
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

/** Whether a transaction is open in the flow that runs now. */
export function inTransaction(context: CallContext | undefined): boolean {
  return context !== undefined && (context.transaction !== undefined || context.openByHand > 0);
}

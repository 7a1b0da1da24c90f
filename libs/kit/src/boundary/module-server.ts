import { type AccessCheck, type Acting, compileAccess } from './access.js';
import type { CompiledMessage } from './catalogue.js';
import { type CallContext, currentContext, type Handler, runInContext } from './call-context.js';
import { ContextReader } from './context-values.js';
import {
  AccessDenied,
  type AccessRule,
  type CallLimits,
  ModuleFault,
  ModuleUnavailable,
  type Outcome,
  type PassportRefused,
  type UnavailableReason,
} from '../contract/index.js';
import type { ActorClaim, PassportVerifier } from './passport.js';
import { callSpan, type Tracing } from './tracing.js';

/** The calls of one caller that are worked on. */
interface Places {
  taken: number;
}

/** Receives faults, so that the details withheld from callers can be found in the log. */
export type FaultLog = (module: string, message: string, correlationId: string, error: unknown) => void;

/**
 * The outcome of work that failed because of a temporary error of the module's database, so that it may succeed when
 * sent again; `undefined` for any other error.
 */
export type PassingOutcome = (error: unknown) => Outcome | undefined;

/**
 * The receiving side of a module's boundary, the same for every transport: its handlers, its limit of calls in flight,
 * and whether it accepts work at all.
 */
export class ModuleServer {
  private readonly handlers = new Map<CompiledMessage, Handler>();
  private readonly tracedHandlers = new Map<CompiledMessage, Handler>();
  private readonly byName: Map<string, CompiledMessage>;
  private readonly answered: CompiledMessage[];
  private tracing: Tracing | undefined;
  private passports: PassportVerifier | undefined;
  private draining = false;
  private idle: (() => void) | undefined;
  private othersCheck: AccessCheck | undefined;
  /** Calls being worked on. */
  inFlight = 0;
  /** How many of them each caller has. */
  private readonly byCaller = new Map<string, Places>();
  /** Calls of one caller that are worked on at the same time. */
  private readonly callerMax: number;

  constructor(
    readonly module: string,
    messages: readonly CompiledMessage[],
    /** Calls that it works on at the same time, and the share of one caller. */
    private readonly limits: Pick<CallLimits, 'inFlightMax' | 'callerShare'>,
    readonly logFault: FaultLog,
    private readonly passingOutcome: PassingOutcome = () => undefined,
    /** Reads the application's context, which comes with calls and messages. Default: passes on whatever comes. */
    readonly contexts: ContextReader = new ContextReader(),
    /** The modules that may be callers: those of the application. Default: whoever calls. */
    private readonly callers?: ReadonlySet<string>,
  ) {
    this.callerMax = Math.max(1, Math.ceil((limits.inFlightMax * limits.callerShare) / 100));
    this.answered = [...messages];
    this.byName = new Map(messages.map((message) => [message.name, message]));
  }

  /** What the module answers: the messages of its contract, then what `add` added. */
  get messages(): readonly CompiledMessage[] {
    return this.answered;
  }

  /** Answers one more message, which no contract lists; only before the module is served. */
  add(message: CompiledMessage, handler: Handler): void {
    this.answered.push(message);
    this.byName.set(message.name, message);
    this.handle(message, handler);
  }

  /**
   * Makes each call that is handled a span. Called before the module is served.
   * @internal
   */
  traceWith(tracing: Tracing): void {
    this.tracing = tracing;
  }

  /**
   * Believes from now on only what is proven of who acts in calls from other processes. Called before the module is
   * served.
   * @internal
   */
  verifyWith(passports: PassportVerifier): void {
    this.passports = passports;
  }

  /**
   * Decides who acts in a call from another process, for its transport; `claim` then says only what is proven. Without
   * pinned keys everything is believed. Returns why the call is refused, if it is.
   */
  prove(message: CompiledMessage, claim: ActorClaim): PassportRefused | undefined {
    return this.passports?.verify(message, claim);
  }

  /** Sets the handler of a message; the host does so for each message before the module is served. */
  handle(message: CompiledMessage, handler: Handler): void {
    this.handlers.set(message, handler);
  }

  /** The message with a wire name, if the module has it. */
  messageNamed(name: string): CompiledMessage | undefined {
    return this.byName.get(name);
  }

  /** The handler of a message, if one was set. For `runHandler`, which calls `enter` and `leave`. */
  handlerOf(message: CompiledMessage): Handler | undefined {
    return this.handlers.get(message);
  }

  /**
   * What handles a call of a message: `handler` itself or, with tracing, `handler` in a span. For `runHandler`.
   * @internal
   */
  ofCall(message: CompiledMessage, handler: Handler): Handler {
    return this.tracing === undefined ? handler : this.traced(this.tracing, message, handler);
  }

  private traced(tracing: Tracing, message: CompiledMessage, handler: Handler): Handler {
    let traced = this.tracedHandlers.get(message);
    if (traced === undefined) {
      const span = callSpan('server', message.name, { 'fledge.module': message.module });
      traced = {
        execute: (input) => tracing.within(currentContext() as CallContext, span, () => handler.execute(input)),
      };
      this.tracedHandlers.set(message, traced);
    }
    return traced;
  }

  /** Sets who may send what `add` adds: the rule of the contract, if it has one. Before the module is served. */
  allowOthers(rule: AccessRule | undefined): void {
    this.othersCheck = compileAccess(rule);
  }

  /** The error for a call that the message's access rule does not allow; `undefined` for one that may run. */
  denial(message: CompiledMessage, acting: Acting, input: object): AccessDenied | undefined {
    const check = message.access === undefined ? this.othersCheck : message.accessCheck;
    const reason = check?.(acting, input);
    return reason && new AccessDenied(this.module, message.name, acting.caller, reason);
  }

  /**
   * Whether a module is known as a caller. What its `uses` allows is checked where it calls, and proven by the broker's
   * permissions.
   */
  admits(caller: string): boolean {
    return this.callers === undefined || this.callers.has(caller);
  }

  /** Why no call of a module can be accepted now; `undefined` if it can. */
  refusal(caller: string): UnavailableReason | undefined {
    if (this.draining) return 'draining';
    if (this.inFlight < this.callerMax) return undefined;
    return this.inFlight >= this.limits.inFlightMax || this.placesOf(caller).taken >= this.callerMax
      ? 'overloaded'
      : undefined;
  }

  /**
   * The caller's error for a temporary failure of the module's database, whose text stays in this log; `undefined` for
   * any other failure. If the work had effects before, the outcome is `unknown`.
   */
  interruption(message: CompiledMessage, work: CallContext, error: unknown): ModuleUnavailable | undefined {
    const outcome = this.passingOutcome(error);
    if (outcome === undefined) return undefined;
    this.log(message, work, error);
    return new ModuleUnavailable(this.module, message.name, 'database', work.hasEffects ? 'unknown' : outcome);
  }

  /** The caller's error for any other failure; its text stays in this log. */
  fault(message: CompiledMessage, work: CallContext, error: unknown): ModuleFault {
    this.log(message, work, error);
    return new ModuleFault(this.module, message.name, work.correlationId);
  }

  /** In the context of the work, which has ended: the line belongs to its trace and its module. */
  private log(message: CompiledMessage, work: CallContext, error: unknown): void {
    const log = (): void => this.logFault(this.module, message.name, work.correlationId, error);
    runInContext(work, this.tracing ? () => this.tracing?.about(work, log) : log);
  }

  enter(caller: string): void {
    this.inFlight++;
    this.placesOf(caller).taken++;
  }

  leave(caller: string): void {
    this.placesOf(caller).taken--;
    if (--this.inFlight === 0 && this.idle) this.idle();
  }

  private placesOf(caller: string): Places {
    let places = this.byCaller.get(caller);
    if (places === undefined) this.byCaller.set(caller, (places = { taken: 0 }));
    return places;
  }

  /** Accepts no new calls; resolves when the running ones have ended. */
  async drain(): Promise<void> {
    this.draining = true;
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.idle = resolve));
  }
}

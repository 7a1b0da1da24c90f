import { BoundaryCallInTransaction, CallCancelled, DeadlineExceeded, ModuleUnavailable } from '../contract/index.js';
import { Call, type CallMeter } from './call.js';
import type { CallGuard } from './call-guard.js';
import type { CompiledMessage } from './catalogue.js';
import { now } from './clock.js';
import { currentContext, inTransaction } from './call-context.js';
import type { PassportIssuer } from './passport.js';
import type { TraceContext } from './trace-context.js';
import { callSpan, type SpanSpec, type Tracing } from './tracing.js';

/**
 * How a transport sends one message of one caller. It answers with `call.succeed` or `call.fail`, at any time or never
 * (the call watches its deadline). May throw an `InvalidMessage` for what the contract cannot carry.
 */
export type Send = (message: object, call: Call) => void;

/** The calling side of a boundary, for one module and one message that it may send; the same for every transport. */
export class ModuleClient {
  constructor(
    readonly caller: string,
    readonly message: CompiledMessage,
    private readonly send: Send,
    private readonly meter: CallMeter,
    /** Signs for who acts. Default: nothing is signed. */
    private readonly passports?: PassportIssuer,
    /** What limits the calls of the caller to the module. Default: nothing does. */
    private readonly guard?: CallGuard,
  ) {}

  /** Sends a message. Always returns a promise, never throws synchronously, and always ends by the deadline. */
  execute(message: object): Promise<unknown> {
    return this.call(message, undefined);
  }

  /** @param trace that the callee's work belongs to. Default: that of the current context. */
  protected call(message: object, trace: TraceContext | undefined): Promise<unknown> {
    const context = currentContext();
    const at = now();
    if (context !== undefined) {
      const refused = this.refusal(context, at);
      if (refused !== undefined) {
        this.meter.record('refused', 0);
        return Promise.reject(refused);
      }
    }
    const refused = this.guard?.enter(at);
    if (refused !== undefined) {
      this.meter.record('unavailable', 0);
      return Promise.reject(new ModuleUnavailable(this.message.module, this.message.name, refused));
    }
    if (context !== undefined && this.message.kind === 'command') context.noteEffect();
    const call = new Call(this.message, this.caller, context, at, this.meter, trace, this.passports, this.guard);
    try {
      this.send(message, call);
    } catch (error) {
      call.fail(error, 'invalid');
    }
    return call.promise();
  }

  private refusal(context: NonNullable<ReturnType<typeof currentContext>>, at: number): Error | undefined {
    const { module, name } = this.message;
    if (inTransaction(context)) return new BoundaryCallInTransaction(this.caller, name);
    if (context.cancelled) return new CallCancelled(module, name, 'not-run');
    if (context.deadlineAt <= at) return new DeadlineExceeded(module, name, 'not-run');
    return undefined;
  }
}

/** A client that makes a span of each call: from its start until the caller has the answer, repetitions included. */
export class TracedClient extends ModuleClient {
  private readonly span: SpanSpec;

  constructor(
    private readonly tracing: Tracing,
    ...[caller, message, send, meter, passports, guard]: ConstructorParameters<typeof ModuleClient>
  ) {
    super(caller, message, send, meter, passports, guard);
    this.span = callSpan('client', message.name, { 'fledge.caller': caller, 'fledge.module': message.module });
  }

  override execute(message: object): Promise<unknown> {
    const span = this.tracing.begin(this.span);
    // the caller gets this promise, not the one before it: a rejection that nobody awaits must stay unhandled
    return this.call(message, span.trace).then(
      (result) => {
        span.end();
        return result;
      },
      (error: unknown) => {
        span.end(error);
        throw error;
      },
    );
  }
}

import type { CompiledMessage } from './catalogue.js';
import type { CallContext, Handler } from './call-context.js';
import { ModuleFault, ModuleUnavailable, type Outcome, type UnavailableReason } from '../contract/index.js';

/** Calls that a module works on at once; the next one gets `ModuleUnavailable` at once. 1 to 100,000; default 1,024. */
export const IN_FLIGHT_MAX_DEFAULT = 1_024;

/** Told of faults, so that the text that callers do not get can be found. */
export type FaultLog = (module: string, message: string, correlationId: string, error: unknown) => void;

/**
 * What an error says of the work that it ended, when it is of the module's database at this moment, so that the same
 * work may succeed when it is sent again; `undefined` for any other error.
 */
export type PassingOutcome = (error: unknown) => Outcome | undefined;

/**
 * The receiving side of a module's boundary, the same for every transport: which handler answers, how much may be in
 * flight, whether it takes work at all.
 */
export class ModuleServer {
  private readonly handlers = new Map<CompiledMessage, Handler>();
  private readonly byName: ReadonlyMap<string, CompiledMessage>;
  private draining = false;
  private idle: (() => void) | undefined;
  /** Calls being worked on. */
  inFlight = 0;

  constructor(
    readonly module: string,
    readonly messages: readonly CompiledMessage[],
    readonly inFlightMax: number,
    readonly logFault: FaultLog,
    private readonly passingOutcome: PassingOutcome = () => undefined,
  ) {
    this.byName = new Map(messages.map((message) => [message.name, message]));
  }

  /** Names the handler of a message; the host does so for each before the module is served. */
  handle(message: CompiledMessage, handler: Handler): void {
    this.handlers.set(message, handler);
  }

  /** The message of a wire name, if the module has it. */
  messageNamed(name: string): CompiledMessage | undefined {
    return this.byName.get(name);
  }

  /** The handler of a message, if one was named. For `runHandler`, which enters and leaves. */
  handlerOf(message: CompiledMessage): Handler | undefined {
    return this.handlers.get(message);
  }

  /** Why no call can be taken now, if none can. */
  refusal(): UnavailableReason | undefined {
    if (this.draining) return 'draining';
    return this.inFlight >= this.inFlightMax ? 'overloaded' : undefined;
  }

  /**
   * What the caller gets of a failure that is of the module's database at this moment: its text stays here, in the log.
   * `undefined` for any other failure. What the work did before makes its outcome unknown.
   */
  interruption(message: CompiledMessage, work: CallContext, error: unknown): ModuleUnavailable | undefined {
    const outcome = this.passingOutcome(error);
    if (outcome === undefined) return undefined;
    this.logFault(this.module, message.name, work.correlationId, error);
    return new ModuleUnavailable(this.module, message.name, 'database', work.hasEffects ? 'unknown' : outcome);
  }

  /** What the caller gets of any other failure; its text stays here, in the log. */
  fault(message: CompiledMessage, work: CallContext, error: unknown): ModuleFault {
    this.logFault(this.module, message.name, work.correlationId, error);
    return new ModuleFault(this.module, message.name, work.correlationId);
  }

  enter(): void {
    this.inFlight++;
  }

  leave(): void {
    if (--this.inFlight === 0 && this.idle) this.idle();
  }

  /** Takes nothing new from now on; resolves when what runs has ended. */
  async drain(): Promise<void> {
    this.draining = true;
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.idle = resolve));
  }
}

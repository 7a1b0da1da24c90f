import type { CompiledMessage } from './catalogue.js';
import type { Handler } from './frame.js';
import type { UnavailableReason } from '../contract/index.js';

/** Calls that a module works on at once; the next one gets `ModuleUnavailable` at once. 1 to 100,000; default 1,024. */
export const IN_FLIGHT_MAX_DEFAULT = 1_024;

/** Told of faults, so that the text that stays behind the wall can be found. */
export type FaultLog = (module: string, message: string, correlationId: string, error: unknown) => void;

/**
 * The receiving side of a module's boundary, the same for every transport: which handler answers, how much may be in flight,
 * whether it takes work at all.
 */
export class Inlet {
  private readonly handlers = new Map<CompiledMessage, Handler>();
  private draining = false;
  private idle: (() => void) | undefined;
  /** Calls being worked on. */
  inFlight = 0;

  constructor(
    readonly module: string,
    readonly messages: readonly CompiledMessage[],
    readonly inFlightMax: number,
    readonly logFault: FaultLog,
  ) {}

  /** Names the handler of a message; the host does so for each before the module is served. */
  handle(message: CompiledMessage, handler: Handler): void {
    this.handlers.set(message, handler);
  }

  /** The handler of a message, if one was named. To be run behind the wall, between `enter` and `leave`. */
  handlerOf(message: CompiledMessage): Handler | undefined {
    return this.handlers.get(message);
  }

  /** Why no call can be taken now, if none can. */
  refusal(): UnavailableReason | undefined {
    if (this.draining) return 'draining';
    return this.inFlight >= this.inFlightMax ? 'overloaded' : undefined;
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

import type { CompiledMessage } from './catalogue.js';
import type { Frame, Handler } from './frame.js';
import { runBehindWall } from './frame.js';
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

  /** The handler that was named for a message. */
  handlerOf(message: CompiledMessage): Handler {
    return this.handlers.get(message) as Handler;
  }

  /** Why a call can not be taken now, if it can not. */
  refusal(message: CompiledMessage): UnavailableReason | undefined {
    if (this.draining) return 'draining';
    if (this.inFlight >= this.inFlightMax) return 'overloaded';
    return this.handlers.has(message) ? undefined : 'missing';
  }

  /** Runs the handler behind the wall, in `frame`. The caller has asked `refusal` and counts with `enter` and `leave`. */
  run(message: CompiledMessage, input: object, frame: Frame): unknown {
    return runBehindWall(frame, this.handlers.get(message) as Handler, input);
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

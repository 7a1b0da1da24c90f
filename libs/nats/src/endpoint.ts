import type { CompiledMessage, Handler } from '@fledge/kit/transport';
import { type JsonWriter, resultWriter } from './json.js';

/** One message that a module handles, with its statistics for the NATS service protocol. */
export class Endpoint {
  requests = 0;
  errors = 0;
  lastError = '';
  processingMs = 0;
  readonly write: JsonWriter;

  constructor(
    readonly message: CompiledMessage,
    readonly subject: string,
    /** The handler; `undefined` if the module has none for this message. */
    readonly handler: Handler | undefined,
  ) {
    this.write = resultWriter(message.result);
  }

  /** Counts an answered call. */
  count(durationMs: number): void {
    this.requests++;
    this.processingMs += durationMs;
  }

  /** Counts a failed call. */
  countFailure(durationMs: number, code: number, error: string): void {
    this.count(durationMs);
    this.errors++;
    this.lastError = `${code}: ${error}`;
  }
}

import type { CompiledMessage, Handler } from '@fledge/kit/transport';
import { type JsonWriter, resultWriter } from './json.js';

/** One message that a module answers, with what the NATS service protocol tells of it. */
export class Endpoint {
  requests = 0;
  errors = 0;
  lastError = '';
  processingMs = 0;
  readonly write: JsonWriter;

  constructor(
    readonly message: CompiledMessage,
    readonly subject: string,
    /** Who answers; `undefined` when the module has nobody for it. */
    readonly handler: Handler | undefined,
  ) {
    this.write = resultWriter(message.result);
  }

  /** Counts one that was answered. */
  count(durationMs: number): void {
    this.requests++;
    this.processingMs += durationMs;
  }

  /** Counts one that failed. */
  countFailure(durationMs: number, code: number, error: string): void {
    this.count(durationMs);
    this.errors++;
    this.lastError = `${code}: ${error}`;
  }
}

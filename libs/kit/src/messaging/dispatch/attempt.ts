import {
  CallContext,
  type ContextReader,
  now,
  runIsolated,
  type Handler,
  type Timed,
  wheel,
} from '../../boundary/index.js';
import type { StoredMessage } from '../../transport/index.js';
import type { DurableConsumer } from '../consumers/consumer.js';
import { HandlerTimeout } from '../consumers/delivery-errors.js';

/** The result of an attempt. */
export type AttemptOutcome = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

const OK: AttemptOutcome = { ok: true };

/**
 * One attempt at a message: the context in which its handler runs, in an isolated scope, as for a call. It ends when
 * the handler does, when its time is up, or when it is aborted; later results of the handler are ignored.
 */
export class Attempt extends CallContext implements Timed {
  before: Timed | null = null;
  after: Timed | null = null;
  private end: ((outcome: AttemptOutcome) => void) | undefined;

  constructor(
    module: string,
    private readonly consumer: DurableConsumer,
    private readonly stored: StoredMessage,
    private readonly contexts: Pick<ContextReader, 'read'>,
  ) {
    super(module, stored.source, now() + consumer.rules.timeoutMs, undefined, stored.headers.traceparent, stored.id);
  }

  /** Runs the handler. Never rejects. */
  run(): Promise<AttemptOutcome> {
    return new Promise((resolve) => {
      this.end = (outcome) => {
        this.end = undefined;
        wheel.letGo(this);
        resolve(outcome);
      };
      wheel.watch(this);
      const handler: Handler = { execute: () => this.consumer.handle(this.stored) };
      Promise.resolve()
        .then(() => {
          this.values = this.contexts.read(this.stored.name, this.stored.headers.context);
          return runIsolated(this, handler, this.stored);
        })
        .then(
          () => this.end?.(OK),
          (error: unknown) => this.end?.({ ok: false, error }),
        );
    });
  }

  expire(): void {
    this.giveUp(new HandlerTimeout(this.consumer.name, this.stored.name, this.consumer.rules.timeoutMs));
  }

  override rejected(reason: unknown): boolean {
    if (!this.end) return false;
    this.giveUp(reason instanceof Error ? reason : new Error(String(reason)));
    return true;
  }

  /** Ends the attempt without waiting for its handler, whose signal aborts. */
  giveUp(error: Error): void {
    if (!this.end) return;
    this.end({ ok: false, error });
    this.cancel();
  }
}

import {
  CallContext,
  type ContextReader,
  messageSpan,
  now,
  runIsolated,
  type Handler,
  type Timed,
  traceOf,
  type Tracing,
  wheel,
} from '../../boundary/index.js';
import type { StoredMessage } from '../../transport/index.js';
import type { DurableConsumer } from '../consumers/consumer.js';
import { HandlerTimeout } from '../consumers/delivery-errors.js';
import { decodeUser } from '../storage/user-text.js';

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
    private readonly tracing?: Tracing,
  ) {
    super(
      module,
      stored.source,
      now() + consumer.rules.timeoutMs,
      // nobody acts: the module does, for the user whose request led to the message
      undefined,
      traceOf(stored.headers),
      stored.id,
      undefined,
      decodeUser(stored.headers.onBehalfOf),
    );
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
      const handler: Handler = { execute: () => this.handle() };
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

  /**
   * The conventions let the span of a single message be a child of the one that sent it; so one trace shows the work
   * from the edge to the last timer.
   */
  private handle(): Promise<void> {
    const { consumer, stored } = this;
    if (!this.tracing) return consumer.handle(stored);
    const span = messageSpan('process', stored.name, {
      'messaging.consumer.group.name': `${this.module}.${consumer.name}`,
      'messaging.message.id': stored.id,
      'fledge.module': this.module,
    });
    return this.tracing.within(this, span, () => consumer.handle(stored));
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

import type { Carrier, Intake, Sent, StoredMessage } from '../transport/index.js';

/** Carries a tested module's messages back to itself, as far as it takes them; what is for neighbours is stored in its outbox, and goes nowhere. */
export class TestCarrier implements Carrier {
  readonly name = 'local';
  private intake: Intake | undefined;

  async send(_source: string, messages: readonly StoredMessage[], isFirst = false): Promise<Sent> {
    const { intake } = this;
    const own = intake ? messages.filter((message) => intake.wants(message)) : [];
    if (intake?.handOver && isFirst && own.length > 0) await intake.handOver(own);
    else if (intake && own.length > 0) await intake.accept(own);
    return { accepted: new Set(messages.map((message) => message.id)) };
  }

  incarnation(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  subscribe(intake: Intake): Promise<void> {
    this.intake = intake;
    return Promise.resolve();
  }

  async *history(): AsyncIterable<readonly StoredMessage[]> {
    // a test's neighbours have no past
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

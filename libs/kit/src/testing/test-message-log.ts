import type { MessageLog, InboxPort, Sent, StoredMessage } from '../transport/index.js';

/**
 * Carries a tested module's messages back to itself, as far as it takes them; what is for neighbours is stored in its
 * outbox, and goes nowhere.
 */
export class TestMessageLog implements MessageLog {
  readonly name = 'local';
  private inbox: InboxPort | undefined;

  async send(_source: string, messages: readonly StoredMessage[], isFirst = false): Promise<Sent> {
    const { inbox } = this;
    const own = inbox ? messages.filter((message) => inbox.wants(message)) : [];
    if (inbox?.handOver && isFirst && own.length > 0) await inbox.handOver(own);
    else if (inbox && own.length > 0) await inbox.accept(own);
    return { accepted: new Set(messages.map((message) => message.id)) };
  }

  incarnation(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  subscribe(inbox: InboxPort): Promise<void> {
    this.inbox = inbox;
    return Promise.resolve();
  }

  async *history(): AsyncIterable<readonly StoredMessage[]> {
    // a test's neighbours have no past
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

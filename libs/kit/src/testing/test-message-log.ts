import type { MessageLog, InboxPort, Sent, StoredMessage } from '../transport/index.js';

/**
 * Carries the messages of a module under test back to itself, if it consumes them; messages for neighbours stay in its
 * outbox.
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
    // the neighbours of a test have no history
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

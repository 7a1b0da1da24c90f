import type { MessageLog, InboxPort, Sent, SentHistory, StoredMessage } from '../message-log.js';

/**
 * Carries messages between modules of one process: from the outbox straight to each module that consumes them. A
 * message is accepted when all of them have handled or stored it.
 */
export class LocalMessageLog implements MessageLog {
  readonly name = 'local';
  private readonly inboxes = new Map<string, InboxPort>();
  private readonly sentHistories: SentHistory[] = [];
  private readonly accepting = new Set<Promise<unknown>>();
  private stopped = false;

  /** Gives new consumers access to what a module has sent. */
  keep(sentHistory: SentHistory): void {
    this.sentHistories.push(sentHistory);
  }

  async send(_source: string, messages: readonly StoredMessage[], isFirst = false): Promise<Sent> {
    if (this.stopped)
      return { accepted: new Set(), failure: new Error('the modules of this process take no more messages') };
    const homeless = messages.find((message) => !this.hasHome(message));
    const others = homeless === undefined ? messages : this.beforeHomeless(messages);
    const work = Promise.all([...this.inboxes.values()].map((inbox) => offer(inbox, others, isFirst)));
    this.accepting.add(work);
    try {
      await work;
      const accepted = new Set(others.map((message) => message.id));
      return homeless === undefined
        ? { accepted }
        : {
            accepted,
            failure: new Error(
              `${homeless.name} is for ${homeless.target}, which does not take messages in this process`,
            ),
          };
    } catch (failure) {
      return { accepted: new Set(), failure };
    } finally {
      this.accepting.delete(work);
    }
  }

  /** The messages before the first one of each key that no module here takes, to keep the order of the key. */
  private beforeHomeless(messages: readonly StoredMessage[]): StoredMessage[] {
    const stuck = new Set<string>();
    return messages.filter((message) => {
      if (!this.hasHome(message)) stuck.add(message.key);
      return !stuck.has(message.key);
    });
  }

  private hasHome({ kind, target }: StoredMessage): boolean {
    return kind === 'event' || this.inboxes.has(target ?? '');
  }

  /** No log between outbox and inbox that could be lost. */
  incarnation(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  subscribe(inbox: InboxPort): Promise<void> {
    this.inboxes.set(inbox.module, inbox);
    return Promise.resolve();
  }

  async *history(_inbox: InboxPort, names: readonly string[]): AsyncIterable<readonly StoredMessage[]> {
    for (const sentHistory of this.sentHistories) yield* sentHistory.read(names);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.allSettled(this.accepting);
  }
}

async function offer(inbox: InboxPort, messages: readonly StoredMessage[], isFirst: boolean): Promise<void> {
  const wanted = messages.filter((message) => inbox.wants(message));
  if (wanted.length === 0) return;
  if (isFirst && inbox.handOver) await inbox.handOver(wanted);
  else await inbox.accept(wanted);
}

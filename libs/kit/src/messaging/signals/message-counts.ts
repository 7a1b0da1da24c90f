import { Durations } from '../../boundary/index.js';

/** How the handling of a message ended: it is done, waits to be tried again, or is a dead letter. */
export type HandlingOutcome = 'handled' | 'retried' | 'dead';

/** What happened to the messages of one consumer in this process. */
export interface ConsumerCounts {
  readonly outcomes: Record<HandlingOutcome, number>;
  /** How long its handler ran for each message, whether it failed or not. */
  readonly durations: Durations;
}

/**
 * What a module's messaging has done in this process since its start, as plain numbers: counting costs an addition, and
 * a scrape reads them.
 */
export class MessageCounts {
  /** Messages that transactions of this process have published, by wire name. */
  readonly published = new Map<string, number>();
  readonly consumers = new Map<string, ConsumerCounts>();
  /** How often other replicas have taken over this one's work while it was alive. */
  membershipsLost = 0;

  publish(wireName: string): void {
    this.published.set(wireName, (this.published.get(wireName) ?? 0) + 1);
  }

  of(consumer: string): ConsumerCounts {
    let counts = this.consumers.get(consumer);
    if (!counts) {
      counts = { outcomes: { handled: 0, retried: 0, dead: 0 }, durations: new Durations() };
      this.consumers.set(consumer, counts);
    }
    return counts;
  }
}

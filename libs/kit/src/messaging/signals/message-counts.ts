import { Durations } from '../../boundary/index.js';

/** How the handling of a message ended: it is done, waits to be tried again, or is a dead letter. */
export type HandlingOutcome = 'handled' | 'retried' | 'dead';

/** What happened to the messages of one consumer in this process. */
export class ConsumerCounts {
  readonly outcomes: Record<HandlingOutcome, number> = { handled: 0, retried: 0, dead: 0 };
  /** How long its handler ran for each message, whether it failed or not. */
  readonly durations = new Durations();

  /** Counts a message that is done, or has failed: then it waits for `waitMs`, or is a dead letter without it. */
  settled(failure: { readonly waitMs?: number | undefined } | undefined): void {
    if (failure === undefined) this.outcomes.handled++;
    else this.outcomes[failure.waitMs === undefined ? 'dead' : 'retried']++;
  }
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
      counts = new ConsumerCounts();
      this.consumers.set(consumer, counts);
    }
    return counts;
  }
}

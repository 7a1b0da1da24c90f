/** How many events to publish, and how. */
export interface ProduceOptions {
  readonly events: number;
  readonly keys: number;
  /** Events per transaction. */
  readonly perTransaction: number;
  /** Events per second; default: as fast as possible. */
  readonly perSecond?: number;
  /** Extra characters in each event; default 0. */
  readonly bytes?: number;
}

/** One event, as every system of the bench carries it. */
export interface Something {
  readonly topic: string;
  /** Rises by one with each event of its topic. */
  readonly number: number;
  /** When it was published, in milliseconds since 1970. */
  readonly at: number;
  readonly filling?: string;
}

/** Distributes events evenly over the keys, in consecutive transactions; `commit` publishes each. */
export class Production {
  private readonly numbers = new Map<string, number>();

  async run(
    { events, keys, perTransaction, perSecond, bytes = 0 }: ProduceOptions,
    commit: (events: readonly Something[]) => Promise<void>,
  ): Promise<void> {
    const filling = bytes > 0 ? { filling: 'x'.repeat(bytes) } : {};
    const start = performance.now();
    for (let done = 0; done < events; done += perTransaction) {
      const some: Something[] = [];
      for (let i = done; i < Math.min(done + perTransaction, events); i++)
        some.push({ ...this.next(`topic-${i % keys}`), ...filling });
      await commit(some);
      if (perSecond === undefined) continue;
      const early = start + ((done + perTransaction) / perSecond) * 1_000 - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    }
  }

  private next(topic: string): Something {
    const number = (this.numbers.get(topic) ?? 0) + 1;
    this.numbers.set(topic, number);
    return { topic, number, at: Date.now() };
  }
}

import type { Something } from './produce.js';

/** The results of a process that consumes events. */
export class Taken {
  /** Their delay: from before their publisher's commit to after their handler's. */
  readonly lags: number[] = [];
  /** Those that are handled and committed. */
  committed = 0;
  /** Those that came twice or out of the order of their key, in which each number is one more than the one before. */
  wrong = 0;
  /** The last number of each topic, per consumer. */
  private readonly last: Map<string, number>[] = [];
  private readonly uncommitted: number[] = [];

  add({ topic, number, at }: Pick<Something, 'topic' | 'number' | 'at'>, consumer = 0): void {
    const last = (this.last[consumer] ??= new Map());
    if (number !== (last.get(topic) ?? 0) + 1) this.wrong += 1;
    last.set(topic, number);
    this.uncommitted.push(at);
  }

  /**
   * For batches that are handled in parallel, the first commit counts for all: up to one batch's duration, some 25 ms,
   * too early.
   */
  commit(): void {
    const now = Date.now();
    this.committed += this.uncommitted.length;
    for (const at of this.uncommitted.splice(0)) this.lags.push(now - at);
  }
}

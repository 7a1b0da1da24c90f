import type { Something } from './produce.js';

/** What has become of the events of a process that takes them. */
export class Taken {
  /** How late they were: from before their publisher's commit to after their handler's. */
  readonly lags: number[] = [];
  /** Those that are handled for good. */
  committed = 0;
  /** Those that came twice or out of the order of their key, where each number is one more than the one before. */
  wrong = 0;
  /** Of each consumer the last number of each topic. */
  private readonly last: Map<string, number>[] = [];
  private readonly uncommitted: number[] = [];

  add({ topic, number, at }: Pick<Something, 'topic' | 'number' | 'at'>, consumer = 0): void {
    const last = (this.last[consumer] ??= new Map());
    if (number !== (last.get(topic) ?? 0) + 1) this.wrong += 1;
    last.set(topic, number);
    this.uncommitted.push(at);
  }

  /**
   * Of batches that are handled side by side the first to commit counts for all: up to one batch's time too early, some
   * 25 ms.
   */
  commit(): void {
    const now = Date.now();
    this.committed += this.uncommitted.length;
    for (const at of this.uncommitted.splice(0)) this.lags.push(now - at);
  }
}

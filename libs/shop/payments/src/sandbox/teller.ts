import { createHash } from 'node:crypto';
import type { Book, Line } from './book.js';
import { resultIn, settle } from './bank.js';
import { cardOf } from './cards.js';

/** Delivers a webhook's body; returns whether it was accepted. */
export type Deliver = (body: string) => Promise<boolean>;

/** Milliseconds between two attempts of a webhook, and between two checks for what another replica left behind. */
const AGAIN_MS = 1_000;
const LOOK_MS = 5_000;
/** Milliseconds after which a webhook is given up. */
export const GIVE_UP_MS = 60 * 60_000;
const ROUND_MAX = 100;

/** Ends pending operations, and reports them by webhooks: at least once each, even if a process ends meanwhile. */
export class Teller {
  private timer: NodeJS.Timeout | undefined;
  private dueAt = Infinity;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  /** @param lateMs how long a pending operation takes to end, in milliseconds. */
  constructor(
    private readonly book: Book,
    private readonly lateMs: number,
    private readonly deliver: Deliver,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Starts; also reports what an earlier process left behind. */
  start(): void {
    this.wakeIn(0);
  }

  /** Call it when an operation was left pending. */
  noted(): void {
    this.wakeIn(this.lateMs);
  }

  /** Stops; resolves when the current deliveries are done. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private wakeIn(ms: number): void {
    const dueAt = Date.now() + ms;
    if (this.stopped || dueAt >= this.dueAt) return;
    clearTimeout(this.timer);
    this.dueAt = dueAt;
    this.timer = setTimeout(() => {
      this.dueAt = Infinity;
      // One after the other: a slow round must not overlap with the next.
      this.running = this.running.then(() => this.round());
    }, ms).unref();
  }

  private async round(): Promise<void> {
    let nextMs = LOOK_MS;
    try {
      for (const line of await this.book.untold(ROUND_MAX)) {
        if (this.stopped) return;
        const ageMs = Date.now() - Date.parse(line.at);
        if (ageMs < this.lateMs) nextMs = Math.min(nextMs, this.lateMs - ageMs);
        else if (!(await this.tell(line, ageMs))) nextMs = Math.min(nextMs, AGAIN_MS);
      }
    } catch (error) {
      this.onFailure(error);
    }
    this.wakeIn(nextMs);
  }

  /** Ends one operation and reports it; returns whether all its webhooks were accepted or given up. */
  private async tell(pending: Line, ageMs: number): Promise<boolean> {
    const { key, reference } = pending;
    await this.book.write(reference, (lines) => settle(lines, key, new Date().toISOString()));
    const result = resultIn(await this.book.find(key));
    for (const id of webhookIds(pending)) {
      const body = JSON.stringify({
        id,
        type: 'operation.settled',
        key,
        operation: pending.operation,
        orderId: pending.orderId,
        reference,
        ...result,
      });
      if ((await this.delivered(body)) || ageMs >= GIVE_UP_MS) continue;
      return false;
    }
    const outcome = ageMs >= GIVE_UP_MS ? 'untold' : 'told';
    await this.book.write(reference, (lines) =>
      lines.some((line) => line.key === key && line.outcome === outcome)
        ? undefined
        : { ...pending, at: new Date().toISOString(), outcome },
    );
    return true;
  }

  private async delivered(body: string): Promise<boolean> {
    try {
      return await this.deliver(body);
    } catch (error) {
      this.onFailure(error);
      return false;
    }
  }
}

/** The worst case of real providers: one event twice with the same id, then again with another. */
function webhookIds({ key, paymentMethod }: Line): string[] {
  const id = (n: number): string => `evt_${createHash('sha256').update(`${key}#${n}`).digest('hex').slice(0, 24)}`;
  return Array.from({ length: cardOf(paymentMethod).webhooks ?? 1 }, (_, n) => id(n >> 1));
}

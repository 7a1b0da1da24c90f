import { createHash } from 'node:crypto';
import type { Book, Line } from './book.js';
import { resultIn, settle } from './bank.js';
import { cardOf } from './cards.js';

/** Delivers a webhook's body; answers whether it was taken. */
export type Deliver = (body: string) => Promise<boolean>;

/** Milliseconds between two tries of a webhook, and between two looks for what another replica left behind. */
const AGAIN_MS = 1_000;
const LOOK_MS = 5_000;
/** Milliseconds after which a webhook is given up. */
export const GIVE_UP_MS = 60 * 60_000;
const ROUND_MAX = 100;

/** Ends what is pending, and tells of it by webhooks: at least once each, whatever process ends meanwhile. */
export class Teller {
  private timer: NodeJS.Timeout | undefined;
  private dueAt = Infinity;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  /** @param lateMs how long after an operation was asked for it ends. */
  constructor(
    private readonly book: Book,
    private readonly lateMs: number,
    private readonly deliver: Deliver,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Begins; what was left behind by a process that ended is told, too. */
  start(): void {
    this.wakeIn(0);
  }

  /** Told of an operation that was left pending. */
  noted(): void {
    this.wakeIn(this.lateMs);
  }

  /** Tells no more; resolves when what is being told is through. */
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
      // One after the other: a round that takes long must not meet itself.
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

  /** Ends one operation and tells of it; answers whether all its webhooks were taken, or given up. */
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

/** As providers do at their worst: one event twice with its id, and then once more with another. */
function webhookIds({ key, paymentMethod }: Line): string[] {
  const id = (n: number): string => `evt_${createHash('sha256').update(`${key}#${n}`).digest('hex').slice(0, 24)}`;
  return Array.from({ length: cardOf(paymentMethod).webhooks ?? 1 }, (_, n) => id(n >> 1));
}

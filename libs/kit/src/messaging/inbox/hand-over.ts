import type { StoredMessage } from '../../transport/index.js';

/**
 * Messages that are handled before they are stored, of one hand-over at the most; more of them are stored first, which
 * costs less then.
 */
export const HAND_OVER_MAX = 128;
/**
 * How long none of them may be handled before the rest is stored, in milliseconds: twice as long as a transaction takes
 * more messages. Its sender's next messages wait for that.
 */
const STORE_AFTER_MS = 50;

/** A message, and the consumers of the module that take it; empty: not known. */
export interface Addressed {
  readonly message: StoredMessage;
  readonly consumers: readonly string[];
}

/** Who handles messages of one consumer. */
export interface Taker {
  /** It has not handled a message for so long that this had to be stored. */
  wasLate(): void;
}

/**
 * Messages that were just committed in this process, on their way to its handlers without a stop in the inbox: their
 * rows are written with what handling them does, by the same transaction. What is not handled at once is stored after
 * all, whether its handler runs meanwhile or not; until then it is in the outbox of its sender, unsent.
 */
export class HandOver {
  /** Messages that were not taken, in order. */
  readonly refused: StoredMessage[] = [];
  /** Who has not handled each that was taken yet. */
  private readonly open = new Map<StoredMessage, Taker[]>();
  private hasMoved = false;
  private timer: NodeJS.Timeout | undefined;
  private end: (() => void) | undefined;

  /** A message was taken by these. */
  take(message: StoredMessage, takers: Taker[]): void {
    this.open.set(message, takers);
  }

  /** One of them has settled it: its row is in the inbox. */
  settled(message: StoredMessage, taker: Taker): void {
    const left = this.open.get(message)?.filter((other) => other !== taker);
    if (left && left.length > 0) this.open.set(message, left);
    else this.open.delete(message);
    this.hasMoved = true;
    if (this.open.size === 0) this.end?.();
  }

  /** Resolves with those that are to be stored, in order: when all are handled, or none was for a while. */
  async late(): Promise<StoredMessage[]> {
    if (this.open.size > 0) {
      await new Promise<void>((resolve) => {
        this.end = resolve;
        this.timer = setInterval(() => this.look(), STORE_AFTER_MS);
      });
      clearInterval(this.timer);
      for (const takers of this.open.values()) for (const taker of takers) taker.wasLate();
    }
    return [...this.open.keys()];
  }

  private look(): void {
    if (this.hasMoved) this.hasMoved = false;
    else this.end?.();
  }
}

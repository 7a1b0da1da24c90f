import type { StoredMessage } from '../../transport/index.js';

/**
 * The most messages of one hand-over that are handled before they are stored; larger batches are stored first, because
 * that is cheaper for them.
 */
export const HAND_OVER_MAX = 128;
/**
 * How long to wait without any of them being handled before the rest is stored, in milliseconds: twice as long as a
 * transaction takes more messages. The sender's next messages wait for that.
 */
const STORE_AFTER_MS = 50;

/** A message, and the module's consumers of it; empty if not known. */
export interface Addressed {
  readonly message: StoredMessage;
  readonly consumers: readonly string[];
}

/** Handles the messages of one consumer. */
export interface Taker {
  /** It has taken so long to handle a message that the message had to be stored. */
  wasLate(): void;
}

/**
 * Messages that were just committed in this process and go to its handlers without a stop in the inbox: the transaction
 * that handles them also writes their rows. What is not handled at once is stored after all, whether or not its handler
 * is running; until then it is in the outbox of its sender, unsent.
 */
export class HandOver {
  /** Messages that were not taken, in order. */
  readonly refused: StoredMessage[] = [];
  /** The takers that have not yet handled each message. */
  private readonly open = new Map<StoredMessage, Taker[]>();
  private hasMoved = false;
  private timer: NodeJS.Timeout | undefined;
  private end: (() => void) | undefined;

  /** Records that these takers took a message. */
  take(message: StoredMessage, takers: Taker[]): void {
    this.open.set(message, takers);
  }

  /** Records that a taker has settled the message: its row is in the inbox. */
  settled(message: StoredMessage, taker: Taker): void {
    const left = this.open.get(message)?.filter((other) => other !== taker);
    if (left && left.length > 0) this.open.set(message, left);
    else this.open.delete(message);
    this.hasMoved = true;
    if (this.open.size === 0) this.end?.();
  }

  /**
   * Resolves when all messages are handled, or none was for a while. Returns those that have to be stored, in order.
   */
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

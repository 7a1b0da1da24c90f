/** Milliseconds of the monotonic clock, which deadlines use. Never compared between processes. */
export const now: () => number = performance.now.bind(performance);

/** How often deadlines are checked, in milliseconds: a call ends at most this much after its deadline. */
export const TICK_MS = 10;

/**
 * Anything with a deadline that the wheel watches. It is its own link in the wheel's lists, so that watching and
 * releasing it allocate nothing.
 */
export interface Timed {
  /** On the clock of `now()`. */
  readonly deadlineAt: number;
  /** Called once, when the deadline passes while the item is watched; it is no longer watched then. */
  expire(): void;
  /** Used by the wheel: the neighbours in a slot. `null` when not watched. */
  before: Timed | null;
  after: Timed | null;
}

/** Slots of one turn: later deadlines wait for the next turn. */
const SLOTS = 1_024;

/** The two ends of a list; never expires. */
class Slot implements Timed {
  readonly deadlineAt = Infinity;
  before: Timed | null = this;
  after: Timed | null = this;

  expire(): void {
    throw new Error('the end of a list has no deadline');
  }
}

/**
 * One timer for every deadline of the process, a hashed timing wheel (Varghese and Lauck, 1987) of doubly linked lists.
 * The timer runs only while there was something to watch recently, and does not keep the process alive.
 */
export class Wheel {
  private readonly slots: readonly Slot[] = Array.from({ length: SLOTS }, () => new Slot());
  private timer: NodeJS.Timeout | undefined;
  private cursor = 0;
  private idleTicks = 0;

  /** Watches `item` until its deadline or `letGo`. */
  watch(item: Timed): void {
    if (this.timer === undefined) this.start();
    // An item that is already overdue, because a handler blocked, goes into the slot that the cursor reaches next: its
    // own slot would come up only after a full turn.
    const slot = this.slots[Math.max(Math.ceil(item.deadlineAt / TICK_MS), this.cursor) & (SLOTS - 1)] as Slot;
    const last = slot.before as Timed;
    item.before = last;
    item.after = slot;
    last.after = item;
    slot.before = item;
  }

  /** Stops watching. Does nothing for an item that is not watched. */
  letGo(item: Timed): void {
    const { before, after } = item;
    if (before === null || after === null) return;
    before.after = after;
    after.before = before;
    item.before = null;
    item.after = null;
  }

  private start(): void {
    this.cursor = Math.floor(now() / TICK_MS);
    this.idleTicks = 0;
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
  }

  private tick(): void {
    const at = now();
    const target = Math.floor(at / TICK_MS);
    // Catch up after a blocked event loop, by at most one turn of the wheel.
    this.cursor = Math.max(this.cursor, target - SLOTS);
    let seen = false;
    while (this.cursor <= target) {
      seen = this.turn(this.slots[this.cursor & (SLOTS - 1)] as Slot, at) || seen;
      this.cursor++;
    }
    this.idleTicks = seen ? 0 : this.idleTicks + 1;
    if (this.idleTicks > SLOTS && this.isEmpty()) this.stop();
  }

  /** Expires what is due in a slot; returns whether the slot held anything. */
  private turn(slot: Slot, at: number): boolean {
    if (slot.after === slot) return false;
    const due: Timed[] = [];
    for (let item = slot.after as Timed; item !== slot; item = item.after as Timed) {
      if (item.deadlineAt <= at) due.push(item);
    }
    for (const item of due) {
      // An item that expired before may have released this one.
      if (item.before === null) continue;
      this.letGo(item);
      item.expire();
    }
    return true;
  }

  private isEmpty(): boolean {
    return this.slots.every((slot) => slot.after === slot);
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

/** The wheel of the process. */
export const wheel = new Wheel();

/** Milliseconds of the monotonic clock: what deadlines are kept in. Never compared between processes. */
export const now: () => number = performance.now.bind(performance);

/** How often deadlines are looked at, in milliseconds: a call ends at most this much after its deadline. */
export const TICK_MS = 10;

/** Anything with a deadline that the wheel watches. */
export interface Timed {
  /** On the clock of `now()`. */
  readonly deadlineAt: number;
  /** Whether there is nothing left to watch. */
  readonly settled: boolean;
  /** Called once, when the deadline has passed and the thing is not settled. */
  expire(): void;
}

/** Slots of one turn: deadlines farther off go round again. */
const SLOTS = 1_024;
/** A slot that has grown past this is swept of what is settled, so that quick calls with long deadlines do not pile up. */
const SWEEP_AT = 4_096;

/**
 * One timer for every deadline of the process, a hashed timing wheel (Varghese and Lauck, 1987): adding is one push, settling
 * is free. The timer runs only while something is watched, and does not keep the process alive.
 */
export class Wheel {
  private readonly slots: Timed[][] = Array.from({ length: SLOTS }, () => []);
  private readonly sweepAt = new Array<number>(SLOTS).fill(SWEEP_AT);
  private timer: NodeJS.Timeout | undefined;
  private cursor = 0;
  private idleTicks = 0;

  watch(item: Timed): void {
    if (this.timer === undefined) this.start();
    const index = Math.ceil(item.deadlineAt / TICK_MS) & (SLOTS - 1);
    const slot = this.slots[index] as Timed[];
    if (slot.push(item) > (this.sweepAt[index] as number)) this.sweep(index, slot);
  }

  private start(): void {
    this.cursor = Math.floor(now() / TICK_MS);
    this.idleTicks = 0;
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
  }

  private sweep(index: number, slot: Timed[]): void {
    const kept = slot.filter((item) => !item.settled);
    this.slots[index] = kept;
    this.sweepAt[index] = Math.max(SWEEP_AT, kept.length * 2);
  }

  private tick(): void {
    const at = now();
    // A blocked event loop is caught up with, one turn of the wheel at most.
    const target = Math.floor(at / TICK_MS);
    this.cursor = Math.max(this.cursor, target - SLOTS);
    let seen = false;
    while (this.cursor <= target) {
      seen = this.turn(this.cursor & (SLOTS - 1), at) || seen;
      this.cursor++;
    }
    this.idleTicks = seen ? 0 : this.idleTicks + 1;
    if (this.idleTicks > SLOTS) this.stop();
  }

  /** Expires what is due in a slot and keeps what goes round again; answers whether the slot held anything. */
  private turn(index: number, at: number): boolean {
    const slot = this.slots[index] as Timed[];
    if (slot.length === 0) return false;
    this.slots[index] = [];
    this.sweepAt[index] = SWEEP_AT;
    for (const item of slot) {
      if (item.settled) continue;
      if (item.deadlineAt <= at) item.expire();
      else (this.slots[index] as Timed[]).push(item);
    }
    return true;
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

/** The wheel of the process. */
export const wheel = new Wheel();

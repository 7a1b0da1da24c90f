/** The first pause before a process is started again, in milliseconds. */
export const BACKOFF_MIN_MS = 250;
/** The longest pause, in milliseconds. */
export const BACKOFF_MAX_MS = 10_000;
/** A process that was up for this long, in milliseconds, counts as healthy: the pauses start from the minimum again. */
export const HEALED_AFTER_MS = 30_000;

/** Pauses between the starts of a process that keeps ending: they double from 250 ms to 10 s. */
export class Backoff {
  private next = BACKOFF_MIN_MS;

  /** The pause, in milliseconds, after a run that took `upMs`. */
  after(upMs: number): number {
    if (upMs >= HEALED_AFTER_MS) this.next = BACKOFF_MIN_MS;
    const pause = this.next;
    this.next = Math.min(BACKOFF_MAX_MS, this.next * 2);
    return pause;
  }
}

/** The longest delay of Node's timers, in milliseconds. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Lets a loop sleep until it is woken. */
export class Waker {
  /** Whether it was woken since the loop last set this to false. */
  woken = false;
  private waiting: (() => void) | undefined;

  /** Ends the current wait, or the next one. */
  wake(): void {
    this.woken = true;
    this.rouse();
  }

  /** Ends the current wait, if any, without marking it as woken. */
  rouse(): void {
    this.waiting?.();
  }

  /** Waits for at most `ms` milliseconds, and not at all if it was woken; `Infinity` waits until it is woken. */
  pause(ms: number): Promise<void> {
    if (ms <= 0 || this.woken) return Promise.resolve();
    return this.sleep(ms);
  }

  /** As `pause`, but waits even if it was woken before. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting = undefined;
        resolve();
      };
      const timer = ms === Infinity ? undefined : setTimeout(done, Math.min(ms, TIMER_MAX_MS)).unref();
      this.waiting = done;
    });
  }
}

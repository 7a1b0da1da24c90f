/** The longest that Node's timers wait, in milliseconds. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Lets a loop wait until it is woken. */
export class Waker {
  /** Whether it was woken since the loop last took notice, by setting this to false. */
  woken = false;
  private waiting: (() => void) | undefined;

  /** Ends the wait, or the next one. */
  wake(): void {
    this.woken = true;
    this.rouse();
  }

  /** Ends the wait, if there is one, without a reason to look for work. */
  rouse(): void {
    this.waiting?.();
  }

  /** Waits so long at the most, in milliseconds, and not at all when it was woken; `Infinity` until it is woken. */
  pause(ms: number): Promise<void> {
    if (ms <= 0 || this.woken) return Promise.resolve();
    return this.sleep(ms);
  }

  /** As `pause`, also when it was woken before. */
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

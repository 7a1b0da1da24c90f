/**
 * One run of a process, as its methods see it; valid until the method has ended. What it is told is done with the
 * commit.
 */
export interface Run<S extends object> {
  /** Names the run among those of its process. */
  readonly key: string;
  /** Kept from one event to the next: change its fields. Checked and copied when the method has ended. */
  readonly state: S;
  /**
   * Whether the run failed on this event or timer, and somebody sent it again, as `resume` does: what was given up may
   * be tried anew.
   */
  readonly isResumed: boolean;
  /**
   * Sends a command of a contract in `uses`, or of the module itself, durably: it goes out with the commit, and is
   * retried as its handler says. What it brings about is told by events of the module that handles it.
   * @throws InvalidMessage when it does not fit its contract, UndeclaredDependency when its module is not in `uses`.
   */
  send(command: object): void;
  /**
   * Calls the method with `@OnTimer(name)` once, after this time, half a second late at most unless the system is
   * busy or down; replaces a timer of that name.
   * @param inMs 0 to 31,536,000,000 (a year), in milliseconds.
   */
  setTimer(name: string, inMs: number): void;
  /** Takes a timer back; also one that is due but has not been called. Does nothing for one that is not set. */
  cancelTimer(name: string): void;
  /** Adds to the run's history, for those who look at it. 500 characters are kept. */
  note(text: string): void;
  /** Ends the run for good, and takes back its timers. 200 characters of the outcome are kept. */
  finish(outcome: string): void;
}

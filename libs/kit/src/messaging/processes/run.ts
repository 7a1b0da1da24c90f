/**
 * One run of a process, as its methods see it; valid until the method has ended. All changes take effect with the
 * commit.
 */
export interface Run<S extends object> {
  /** Identifies the run within its process. */
  readonly key: string;
  /** Kept from one event to the next: change its fields. Validated and copied when the method has ended. */
  readonly state: S;
  /**
   * Whether the run failed on this event or timer, and it was sent again, as `resume` does: what was given up may be
   * retried.
   */
  readonly isResumed: boolean;
  /**
   * Sends a command of a contract in `uses`, or of the module itself, durably: it is sent with the commit, and retried
   * as its handler's options say. Events of the module that handles it report its result.
   * @throws InvalidMessage when it does not fit its contract, UndeclaredDependency when its module is not in `uses`.
   */
  send(command: object): void;
  /**
   * Calls the method with `@OnTimer(name)` once, after this time, at most half a second late unless the system is busy
   * or down; replaces a timer of that name.
   * @param inMs 0 to 31,536,000,000 (a year), in milliseconds.
   */
  setTimer(name: string, inMs: number): void;
  /** Cancels a timer, even one that is due but has not been called. Does nothing for one that is not set. */
  cancelTimer(name: string): void;
  /** Adds a note to the run's history, for operators. 500 characters are kept. */
  note(text: string): void;
  /** Ends the run for good, and cancels its timers. 200 characters of the outcome are kept. */
  finish(outcome: string): void;
}

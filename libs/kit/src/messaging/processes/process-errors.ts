import { FledgeError, type Violation } from '../../contract/index.js';

/** The stored state of a run no longer fits its class. Nothing ran; the event is kept as a dead letter. */
export class IncompatibleState extends FledgeError {
  readonly code = 'fledge.incompatible-state';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint =
    'Make new fields of the state optional, or migrate the column `state` of the table `fledge_process`; then resume the run.';
  readonly data: Readonly<Record<string, unknown>>;
  constructor(process: string, key: string, violations: readonly Violation[]) {
    super(
      `the stored state of ${process} '${key}' does not fit its class: ${violations
        .slice(0, 3)
        .map(({ path, message }) => (path ? `${path}: ${message}` : message))
        .join('; ')}`,
    );
    this.data = { process, key, violations };
  }
}

/**
 * An event arrived for a run that failed on an earlier one. Nothing ran; it becomes a dead letter too, and is sent
 * again with the other.
 */
export class RunFailed extends FledgeError {
  readonly code = 'fledge.run-failed';
  readonly kind = 'conflict';
  readonly outcome = 'not-run';
  readonly hint = 'Mend what it failed on, and resume the run: all its dead letters are sent again.';
  readonly data: Readonly<Record<string, unknown>>;
  constructor(process: string, key: string) {
    super(`${process} '${key}' has failed and waits for somebody to resume it`);
    this.data = { process, key };
  }
}

/** An event arrived for a run whose first event failed and is being retried. Nothing ran; it is retried as well. */
export class RunNotStarted extends FledgeError {
  readonly code = 'fledge.run-not-started';
  readonly kind = 'unavailable';
  readonly outcome = 'not-run';
  readonly hint =
    'Nothing is to be done: the run is being started. If its first event fails again, mend that, and resume the run.';
  readonly data: Readonly<Record<string, unknown>>;
  constructor(process: string, key: string) {
    super(`${process} '${key}' is not started yet: its first event is being tried again`);
    this.data = { process, key };
  }
}

/** A timer that no method of the process handles was set, or is due. */
export class UnknownTimer extends FledgeError {
  readonly code = 'fledge.unknown-timer';
  readonly kind = 'internal';
  readonly outcome = 'rejected';
  readonly hint: string;
  readonly data: Readonly<Record<string, unknown>>;
  constructor(process: string, timer: string) {
    super(`the process ${process} has no handler of the timer '${timer}'`);
    this.hint = `Add a method with @OnTimer('${timer}').`;
    this.data = { process, timer };
  }
}

/** A timer was set for a time that is out of bounds. */
export class TimerOutOfBounds extends FledgeError {
  readonly code = 'fledge.timer-out-of-bounds';
  readonly kind = 'internal';
  readonly outcome = 'rejected';
  readonly hint = 'Use milliseconds from 0 to 31,536,000,000, a year.';
  readonly data: Readonly<Record<string, unknown>>;
  constructor(process: string, timer: string, inMs: number) {
    super(`the process ${process} set the timer '${timer}' to ${inMs} ms`);
    this.data = { process, timer, inMs };
  }
}

/** The run to resume has not failed, or does not exist. Nothing was changed. */
export class RunNotFailed extends FledgeError {
  readonly code = 'fledge.run-not-failed';
  readonly kind = 'conflict';
  readonly outcome = 'rejected';
  readonly hint = 'See with `list` or `show` how the runs of the process stand.';
  readonly data: Readonly<Record<string, unknown>>;
  constructor(process: string, key: string, status: string | undefined) {
    super(
      status === undefined ? `${process} has no run '${key}'` : `${process} '${key}' has not failed: it is ${status}`,
    );
    this.data = { process, key, status };
  }
}
